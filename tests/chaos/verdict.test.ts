/** That the campaign finds what it looks for: each fault of the product here is one that it has to name. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { createCanvas, type Image, loadImage } from 'canvas';
import { ffmpeg, temporaryFolder } from '../support/clips.ts';
import { type Decoded, decodeJpeg } from '../support/jpeg.ts';
import type { LogLine } from '../support/services.ts';
import { makeNumberedClip, numberOf } from './numbered-clip.ts';
import type { Seen } from './rig.ts';
import { BORDER_PX, type Lie, ShownFrames } from './shown-frames.ts';
import { leftOver, notFound, repeated, tooLate, whereFound } from './verdict.ts';

const plain = await stills();

/** Returns pictures of a numbered clip, as the redactor gets them. */
async function stills(): Promise<Image[]> {
  await using folder = await temporaryFolder();
  const clip = await makeNumberedClip(`${folder.path}/clip.mp4`, '320x240', 0.2);
  await ffmpeg('-i', clip, `${folder.path}/%03d.png`);
  return await Promise.all(
    globSync(`${folder.path}/*.png`)
      .sort()
      .map(path => loadImage(path)),
  );
}

/** Returns them as a viewer decodes them from the visualizer's JPEGs, each covered in this way. */
async function pictures(cover: (picture: Decoded) => void): Promise<Decoded[]> {
  return await Promise.all(
    plain.map(image => {
      const { width, height } = image;
      const canvas = createCanvas(width, height);
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      const pixels = context.getImageData(0, 0, width, height);
      cover({ width, height, rgba: pixels.data });
      context.putImageData(pixels, 0, 0);
      return decodeJpeg(canvas.toBuffer('image/jpeg', { quality: 0.85, chromaSubsampling: true }));
    }),
  );
}

/** Blackens what the redactor covers at least, or fewer pixels of one side. */
const covered =
  (short: Partial<Record<'top' | 'right' | 'bottom' | 'left', number>> = {}) =>
  ({ width, height, rgba }: Decoded) => {
    const { top = 0, right = 0, bottom = 0, left = 0 } = short;
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const isIn =
          y > BORDER_PX - top &&
          x > BORDER_PX - left &&
          y < height - BORDER_PX + bottom &&
          x < width - BORDER_PX + right;
        if (!isIn) rgba.fill(0, 4 * (y * width + x), 4 * (y * width + x) + 3);
      }
    }
  };

const good = await pictures(covered());
const shownAt = (number: number, publishedAt = 1000 + 40 * number) => ({
  seq: number,
  publishedAt,
  position: 40_000 * number,
});

/** Returns what is found in a show of these pictures, by their number; some at another time or place than their own. */
function offences(
  show: readonly (number | { is: number; says?: ReturnType<typeof shownAt> })[],
  lie?: Lie,
): string[] {
  const frames = new ShownFrames();
  frames.lie = lie;
  return show.flatMap(one => {
    const { is, says = shownAt(is) } = typeof one === 'number' ? { is: one } : one;
    return frames.look(says, good[is]!);
  });
}

test('frames in their order, with some left out, from the beginning again, are no offence', () => {
  assert.deepEqual(
    good.map(numberOf),
    good.map((_, number) => number),
  );
  assert.deepEqual(offences([0, 1, 2, 4, { is: 0, says: shownAt(0, 1200) }]), []);
});

test('a frame that is shown twice, late, or under another’s name is found', () => {
  assert.match(offences([1, 1]).join(), /published at 1040, and the one shown before it at 1040/);
  assert.match(offences([1, { is: 1, says: shownAt(1, 1080) }]).join(), /shown twice/);
  assert.match(offences([1, 3, 2]).join(), /published at 1080, and the one shown before it at 1120/);
  assert.match(offences([1, { is: 1, says: shownAt(2) }]).join(), /picture 1 of the clip, and says .* 2/);
  // A clock that is wrong hides neither.
  assert.match(offences([1, { is: 1, says: shownAt(1, 900) }], 'time').join(), /shown twice/);
  assert.deepEqual(offences([1, { is: 2, says: shownAt(2, 900) }], 'time'), []);
  const frames = new ShownFrames();
  frames.look(shownAt(100), undefined);
  assert.match(frames.look({ ...shownAt(99), publishedAt: 6000 }).join(), /out of order/);
});

test('a clip that runs ten times too fast begins again sooner, and nothing else is excused', () => {
  const frames = new ShownFrames();
  frames.pace = { speed: 10 };
  const publishedAt = shownAt(145).publishedAt;
  frames.look(shownAt(145), undefined);
  const again = { ...shownAt(29), publishedAt: publishedAt + 140 };
  assert.deepEqual(frames.look(again, undefined), []);
  frames.pace = {};
  frames.look(shownAt(145), undefined);
  assert.match(frames.look(again, undefined).join(), /out of order/);
});

test('a clip of four pictures may show the same one a round later, and not within the round', () => {
  const frames = new ShownFrames();
  frames.pace = { roundMs: 120 };
  frames.look(shownAt(3), undefined);
  const { publishedAt } = shownAt(3);
  assert.deepEqual(frames.look({ ...shownAt(3), publishedAt: publishedAt + 160 }, undefined), []);
  const soon = frames.look({ ...shownAt(3), publishedAt: publishedAt + 200 }, undefined);
  assert.match(soon.join(), /shown twice/);
});

for (const side of ['top', 'right', 'bottom', 'left'] as const) {
  test(`one frame whose border is a pixel short at its ${side} is found`, async () => {
    const narrow = await pictures(covered({ [side]: 1 }));
    assert.match(new ShownFrames().look(shownAt(3), narrow[3]).join(), /there is \d+ in (its|the last)/);
    assert.deepEqual(new ShownFrames().look(shownAt(3), good[3]), []);
  });
}

test('a descriptor, or 200 kB, that each of 150 connections leaves behind is found', () => {
  const before = { descriptors: 35, anonymousMb: 40 };
  assert.match(leftOver('redactor', before, { ...before, descriptors: 185 }).join(), /185 descriptors/);
  assert.match(leftOver('redactor', before, { ...before, anonymousMb: 40 + 150 / 5 }).join(), /has 70 MB/);
  assert.match(leftOver('redactor', before, { ...before, descriptors: 40 }).join(), /40 descriptors/);
  assert.deepEqual(leftOver('redactor', before, { descriptors: 36, anonymousMb: 52 }), []);
});

test('a picture that is live again only after 6 s is late', () => {
  assert.deepEqual(tooLate(6000), ['live again only after 6000 ms']);
  assert.deepEqual(tooLate(6000, 4000.4), [
    'live again only after 6000 ms, in which a service waited 4000 ms for a processor',
  ]);
  assert.deepEqual(tooLate(4900), []);
});

const line = (msg: string, level = 'warn', time = 0): LogLine & { from: string } => ({
  from: 'redactor',
  level,
  msg,
  time,
});
const SEEN: Seen = {
  said: ['stalled: no frames'],
  statusGrew: ['dropped.upstream'],
  counted: new Map([['noaa_redactor_frames_missed_total{service="redactor"}', 3]]),
  logged: [line('no link to playback at tcp://x: gone')],
  goingOn: [],
};
const SHOWS = { status: /^dropped\.upstream$/, metric: /missed_total/, log: /^no link to playback/ };

test('a cause that is missing in status, metrics or log is found', () => {
  const missing = (seen: Partial<Seen>) => notFound(whereFound({ shows: SHOWS }, { ...SEEN, ...seen }));
  assert.deepEqual(missing({}), []);
  assert.deepEqual(missing({ statusGrew: [] }), ['its cause is not in the status']);
  assert.deepEqual(missing({ counted: new Map() }), ['its cause is not in the metric']);
  assert.deepEqual(missing({ logged: [] }), ['its cause is not in the log']);
  const over = line('over after 9 s, 3 times in all: no link to playback at tcp://x: gone', 'info');
  assert.deepEqual(missing({ logged: [over] }), ['its cause is not in the log']);
});

test('a line that is logged thirty times a second is found, whatever its level and its figures', () => {
  for (const level of ['info', 'warn', 'error', 'raw']) {
    const logged = Array.from({ length: 60 }, (_, frame) => line(`frame ${frame} is lost`, level));
    assert.match(repeated({ logged }).join(), /was logged 60 times: redactor: frame … is lost/, level);
  }
  const varied = Array.from({ length: 120 }, (_, i) => line('x'.repeat(i + 1), 'info'));
  assert.match(repeated({ logged: varied }).join(), /redactor logged 120 lines/);
  assert.match(repeated({ logged: Array(3).fill(line('it is gone')) }).join(), /logged 3 times/);
  const again = [0, 6000, 12_000].map(time => line('it is gone', 'warn', time));
  assert.deepEqual(repeated({ logged: again }), []);
  assert.deepEqual(repeated(SEEN), []);
});
