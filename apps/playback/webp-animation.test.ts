import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ffmpeg, temporaryFolder } from '../../tests/support/clips.ts';
import { readEnv } from '../common/env.ts';
import { parseFrame } from '../common/frame.ts';
import { schema } from './config.ts';
import type { DecodedFrame } from './decode.ts';
import { FileVersion } from './file-version.ts';
import { sourceOpener } from './open-source.ts';
import { readAnimation } from './webp-animation.ts';
import { clipOf, WebpDecoding } from './webp-decoding.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);

const chunk = (type: string, ...data: Uint8Array[]) => {
  const bytes = Buffer.concat(data);
  const head = Buffer.from(`${type}0000`);
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, bytes, Buffer.alloc(bytes.length % 2)]);
};
const u24 = (...values: number[]) =>
  Buffer.concat(values.map(value => Buffer.from([value, value >> 8, value >> 16])));

interface Part {
  still: Buffer;
  at: readonly [number, number];
  size: readonly [number, number];
  ms: number;
  isOpaque?: boolean;
  isDisposed?: boolean;
}

/** Puts stills together to an animation on a canvas of 64x48. */
function animation(parts: Part[]): Buffer {
  const frames = parts.map(({ still, at: [x, y], size: [w, h], ms, isOpaque, isDisposed }) => {
    const flags = Buffer.from([(isOpaque ? 2 : 0) + (isDisposed ? 1 : 0)]);
    const head = Buffer.concat([u24(x / 2, y / 2, w - 1, h - 1, ms), flags]);
    // Behind the file's own head, and without what says that the file has transparency.
    const skip = still.toString('latin1', 12, 16) === 'VP8X' ? 30 : 12;
    return chunk('ANMF', head, still.subarray(skip));
  });
  const canvas = chunk('VP8X', Buffer.from([0x12, 0, 0, 0]), u24(63, 47));
  const body = Buffer.concat([Buffer.from('WEBP'), canvas, chunk('ANIM', Buffer.alloc(6)), ...frames]);
  return chunk('RIFF', body);
}

const stills = new Map<string, Buffer>();
const still = (name: string) => stills.get(name) ?? assert.fail(name);
before(async () => {
  for (const [name, colour, size, ...options] of [
    ['red', 'red', '64x48', '-lossless', '1'],
    ['half-blue', 'blue@0.5', '20x16', '-lossless', '1'],
    ['clear', 'green@0', '20x16', '-lossless', '1'],
    ['lossy-lime', 'lime', '20x16', '-lossless', '0', '-q:v', '100'],
    ['lossy-half-lime', 'lime@0.5', '20x16', '-lossless', '0', '-q:v', '100'],
  ] as const) {
    const format = colour.includes('@') ? (options[1] === '1' ? 'bgra' : 'yuva420p') : 'yuv420p';
    const pixels = options[1] === '1' ? 'bgra' : format;
    const source = `color=${colour}:s=${size},format=${colour.includes('@') ? 'bgra' : 'bgr0'}`;
    const output = ['-frames:v', '1', '-pix_fmt', pixels, '-c:v', 'libwebp', ...options];
    await ffmpeg('-f', 'lavfi', '-i', source, ...output, inFolder(`${name}.webp`));
    stills.set(name, await readFile(inFolder(`${name}.webp`)));
  }
});

const SMALL = [20, 16] as const;
const WHOLE = [64, 48] as const;

async function play(
  bytes: Buffer,
): Promise<{ frames: DecodedFrame[]; damage: string[]; endUs: number | undefined }> {
  const read = readAnimation(bytes);
  const clip = clipOf('animation.webp', read, {});
  const damage: string[] = [];
  const events = { damaged: (line: string) => damage.push(line) };
  const frames: DecodedFrame[] = [];
  for await (const frame of new WebpDecoding(read, clip, 'bgr24', new AbortController().signal, events))
    frames.push(frame);
  return { frames, damage, endUs: clip.endUs };
}

/** Asserts the colour of a pixel, in blue, green and red. */
function assertPixel({ message }: DecodedFrame, [x, y]: readonly [number, number], bgr: number[]): void {
  const frame = parseFrame(message);
  assert.ok(frame.ok);
  const at = 3 * (y * frame.width + x);
  const found = [...frame.pixels.subarray(at, at + 3)];
  assert.ok(
    bgr.every((level, n) => Math.abs(level - found[n]!) <= 3),
    `${x},${y} is ${found}, not ${bgr}`,
  );
}

describe('an animated WebP', () => {
  it('is composed frame by frame, each for its own time', async () => {
    const { frames, damage, endUs } = await play(
      animation([
        { still: still('red'), at: [0, 0], size: WHOLE, ms: 100 },
        { still: still('half-blue'), at: [10, 8], size: SMALL, ms: 250, isDisposed: true },
        { still: still('lossy-lime'), at: [40, 20], size: SMALL, ms: 5 },
        { still: still('clear'), at: [40, 20], size: SMALL, ms: 100 },
        { still: still('clear'), at: [0, 0], size: SMALL, ms: 100, isOpaque: true },
        { still: still('lossy-half-lime'), at: [40, 20], size: SMALL, ms: 3000 },
      ]),
    );
    assert.deepEqual(damage, []);
    const starts = frames.map(({ positionUs }) => positionUs / 1000);
    // A time that was not set is 100 ms, as in browsers.
    assert.deepEqual([...starts, endUs! / 1000], [0, 100, 350, 450, 550, 650, 3650]);
    const [red, lime, black] = [
      [0, 0, 255],
      [0, 255, 0],
      [0, 0, 0],
    ] as const;
    const expect = (number: number, ...pixels: [readonly [number, number], readonly number[]][]) => {
      for (const [place, colour] of pixels) assertPixel(frames[number]!, place, [...colour]);
    };
    const [inBlue, inLime] = [
      [10, 8],
      [59, 35],
    ] as const;
    expect(0, [[0, 0], red], [[63, 47], red]);
    expect(
      1,
      [inBlue, [127, 0, 127]],
      [
        [29, 23],
        [127, 0, 127],
      ],
      [[30, 24], red],
      [[9, 7], red],
    );
    expect(2, [inBlue, black], [[30, 24], red], [inLime, lime]);
    expect(3, [inLime, lime]);
    expect(4, [[0, 0], black], [[19, 15], black], [[20, 0], red], [inLime, lime]);
    expect(5, [inLime, lime], [[0, 0], black]);
  });

  it('goes on past a picture that does not decode', async () => {
    const broken = Buffer.from(still('half-blue'));
    broken.fill(0xff, 26);
    const { frames, damage } = await play(
      animation([
        { still: still('red'), at: [0, 0], size: WHOLE, ms: 100 },
        { still: broken, at: [10, 8], size: SMALL, ms: 100 },
        { still: still('lossy-lime'), at: [40, 20], size: SMALL, ms: 100 },
      ]),
    );
    assert.equal(frames.length, 3);
    assert.ok(damage.length > 0);
    assertPixel(frames[1]!, [10, 8], [0, 0, 255]);
    assertPixel(frames[2]!, [50, 30], [0, 255, 0]);
  });

  it('loops with the hold of its last picture', async () => {
    const path = inFolder('loop.webp');
    const parts = [100, 100, 1500].map(ms => ({ still: still('red'), at: [0, 0], size: WHOLE, ms }) as const);
    await writeFile(path, animation(parts));
    const config = readEnv(schema, { DATA_FILE: path });
    const events = { damaged: assert.fail, passed() {}, odd: assert.fail, leftOut: assert.fail };
    const stop = new AbortController();
    const opened = await sourceOpener(config, new FileVersion(path), events, stop.signal)();
    assert.equal(opened.summary, 'playing 64×48 at 10.00 frames a second');
    const due: number[] = [];
    for await (const cue of opened.cues(0)) {
      if ('dueUs' in cue) due.push(cue.dueUs / 1000);
      if (due.length === 7) break;
    }
    stop.abort();
    assert.deepEqual(due, [0, 100, 200, 1700, 1800, 1900, 3400]);
  });

  it('is refused in words that say what is wrong', async () => {
    const whole = animation([{ still: still('red'), at: [0, 0], size: WHOLE, ms: 100 }]);
    const wrongSize = animation([{ still: still('half-blue'), at: [0, 0], size: WHOLE, ms: 100 }]);
    const outside = animation([{ still: still('half-blue'), at: [50, 40], size: SMALL, ms: 100 }]);
    const huge = Buffer.from(whole);
    huge.fill(0xff, 24, 30);
    for (const [bytes, message] of [
      [whole.subarray(0, -4), /is only half there, as a WebP/],
      [wrongSize, /has no picture in it/],
      [outside, /has no picture in it/],
      [huge, /has a canvas of 16777216×16777216, which is too large/],
    ] as const) {
      const path = inFolder('refused.webp');
      await writeFile(path, bytes);
      const config = readEnv(schema, { DATA_FILE: path });
      const events = { damaged() {}, passed() {}, odd() {}, leftOut() {} };
      const open = sourceOpener(config, new FileVersion(path), events, new AbortController().signal);
      await assert.rejects(open(), { code: 'bad-clip', message });
    }
  });

  it('is read without harm whatever it says', () => {
    const bytes = animation([
      { still: still('red'), at: [0, 0], size: WHOLE, ms: 100 },
      { still: still('half-blue'), at: [10, 8], size: SMALL, ms: 100 },
    ]);
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48271) % 2147483647;
      return seed % below;
    };
    for (let round = 0; round < 5000; round += 1) {
      const copy = Buffer.from(bytes.subarray(0, 30 + random(bytes.length - 30)));
      for (let n = 0; n < 4; n += 1) copy[random(copy.length)] = random(256);
      try {
        const { width, height, frames } = readAnimation(copy);
        for (const frame of frames)
          assert.ok(frame.x + frame.width <= width && frame.y + frame.height <= height);
      } catch (thrown) {
        assert.match(String(thrown), /^Error: has /);
      }
    }
  });
});
