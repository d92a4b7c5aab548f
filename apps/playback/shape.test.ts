import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { encodeRaw, ffmpeg, makeClip, setDisplayMatrix, temporaryFolder } from '../../tests/support/clips.ts';
import { parseFrame } from '../common/frame.ts';
import type { WireFormat } from '../common/pixels.ts';
import type { Clip, Wishes } from './clip.ts';
import { decode } from './decode.ts';
import { probe } from './probe.ts';
import { displayedSize } from './shape.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);

interface Shown {
  size: string;
  pixels: Uint8Array;
}

/** What is published of a clip, picture by picture, and that it is what `Clip` says. */
async function shown(clip: Clip, format: WireFormat = 'i420'): Promise<Shown[]> {
  const pictures: Shown[] = [];
  const damage: string[] = [];
  const events = { damaged: (line: string) => damage.push(line) };
  for await (const { message } of decode(clip, format, new AbortController().signal, events)) {
    const frame = parseFrame(message);
    assert.ok(frame.ok);
    pictures.push({ size: `${frame.width}x${frame.height}`, pixels: frame.pixels });
  }
  assert.deepEqual(damage, []);
  return pictures;
}

async function sizeOf(file: string, wishes: Wishes = {}): Promise<string> {
  const clip = await probe(file, undefined, undefined, wishes);
  const [first] = await shown(clip);
  assert.equal(first?.size, `${clip.width}x${clip.height}`, 'the clip says another size');
  return first.size;
}

const clipOf = (name: string, size: string, filters: string, output = ['-c:v', 'ffv1']) =>
  makeClip(inFolder(name), { size, fps: 25, seconds: 0.08, filters, output });

describe('a picture has the shape in which it is displayed', { concurrency: 2 }, () => {
  for (const [size, aspect, expected] of [
    ['720x576', '64/45', '1024x576'],
    ['720x480', '8/9', '640x480'],
    ['704x480', '10/11', '640x480'],
    ['51x37', '2/1', '102x37'],
    ['51x37', '1/2', '24x37'],
    ['64x48', '1/1', '64x48'],
    ['64x48', '513/512', '64x48'],
    ['64x48', '0/1', '64x48'],
  ] as const) {
    it(`${size} with a sample aspect ratio of ${aspect} is ${expected}`, async () => {
      assert.equal(
        await sizeOf(
          await clipOf(
            `${size}-${aspect.replace('/', '-')}.mkv`,
            '720x576',
            `crop=${size.replace('x', ':')}:exact=1,setsar=${aspect}`,
          ),
        ),
        expected,
      );
    });
  }

  it("in the container's words too, and turned", async () => {
    const h264 = ['-c:v', 'libx264', '-qp', '0', '-preset', 'ultrafast'];
    const file = await clipOf('pasp.mp4', '64x48', 'setsar=3/2', h264);
    assert.equal(await sizeOf(file), '96x48');
    await setDisplayMatrix(file, [0, 1, -1, 0]);
    assert.equal(await sizeOf(file), '48x96');
    assert.equal(await sizeOf(await clipOf('display.mkv', '64x48', 'setsar=3/2')), '96x48');
  });

  it('turned by SEI and by EXIF', async () => {
    const sei = inFolder('sei.mp4');
    await ffmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=64x48:rate=25:duration=0.2',
        '-c:v',
        'libx264',
        '-pix_fmt',
        'yuv420p',
      ],
      ...['-bsf:v', 'h264_metadata=display_orientation=insert:rotate=90', sei],
    );
    assert.deepEqual([(await probe(sei)).turn, await sizeOf(sei)], ['cclock', '48x64']);

    const jpeg = inFolder('exif.mjpeg');
    await clipOf('plain.mjpeg', '64x48', 'null', ['-c:v', 'mjpeg', '-frames:v', '1', '-f', 'mjpeg']);
    const bytes = await readFile(inFolder('plain.mjpeg'));
    // An Exif segment with one entry: orientation (0x112) is 6, to be turned clockwise.
    const exif = Buffer.from(
      'ffe100224578696600004949 2a0008000000010012010300010000000600000000000000'.replace(' ', ''),
      'hex',
    );
    await writeFile(jpeg, Buffer.concat([bytes.subarray(0, 2), exif, bytes.subarray(2)]));
    assert.deepEqual([(await probe(jpeg)).turn, await sizeOf(jpeg)], ['clock', '48x64']);
  });
});

describe('a size that is asked for', { concurrency: 2 }, () => {
  for (const [wanted, expected] of [
    [{ width: 160 }, '160x120'],
    [{ height: 60 }, '80x60'],
    [{ fraction: 0.5 }, '160x120'],
    [{ fraction: 0.3 }, '96x72'],
    [{ width: 1920 }, '320x240'],
  ] as const) {
    it(`${JSON.stringify(wanted)} of 320x240 is ${expected}, in every codec`, async () => {
      for (const [name, output] of [
        ['size.mkv', ['-c:v', 'ffv1']],
        ['size.avi', ['-c:v', 'mjpeg', '-q:v', '2']],
      ] as const) {
        assert.equal(
          await sizeOf(await clipOf(`${expected}-${name}`, '320x240', 'null', [...output]), { size: wanted }),
          expected,
        );
      }
    });
  }

  it('leaves a smaller picture as it is, to the last pixel, also if its sides are odd', async () => {
    for (const pixelFormat of ['yuv420p', 'yuv444p', 'gbrp', 'gray']) {
      const file = inFolder(`small-${pixelFormat}.mkv`);
      const source = ['-f', 'lavfi', '-i', 'testsrc2=s=66x50,scale=51:37,setsar=1', '-frames:v', '1'];
      await ffmpeg(...source, '-pix_fmt', pixelFormat, '-c:v', 'ffv1', file);
      const asItIs = await shown(await probe(file));
      for (const size of [{ width: 1920 }, { fraction: 1 }])
        assert.deepEqual(await shown(await probe(file, undefined, undefined, { size })), asItIs, pixelFormat);
      assert.equal(asItIs[0]!.size, '51x37');
    }
  });

  it('is of the picture as displayed: turned, and with square pixels', async () => {
    const file = await clipOf('turned.mp4', '320x240', 'setsar=2/1', [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
    ]);
    await setDisplayMatrix(file, [0, 1, -1, 0]);
    assert.equal(await sizeOf(file, { size: { width: 60 } }), '60x160');
    assert.equal(await sizeOf(file, { size: { height: 160 } }), '60x160');
  });

  it('is made by the JPEG decoder itself as far as it can', async () => {
    const file = await clipOf('large.avi', '640x480', 'null', ['-c:v', 'mjpeg']);
    const halvings = async (size: Wishes['size']) =>
      (await probe(file, undefined, undefined, { size })).halvings;
    assert.deepEqual(
      await Promise.all([
        halvings(undefined),
        halvings({ width: 400 }),
        halvings({ width: 320 }),
        halvings({ height: 50 }),
      ]),
      [0, 0, 1, 3],
    );
  });
});

describe('a pixel colours no other than those that touch it', { concurrency: 2 }, () => {
  /** Two pictures that differ in one sample of luma in every 25 by 25. */
  const EVERY = 25;

  for (const [name, aspect, wishes] of [
    ['widened', '64/45', {}],
    ['narrowed', '8/9', {}],
    ['made smaller', '1/1', { size: { fraction: 0.37 } }],
  ] as const) {
    it(name, async () => {
      const [width, height] = [200, 150];
      const flat = Buffer.alloc(width * height * 3, 128);
      const dots = Buffer.from(flat);
      for (let y = 12; y < height; y += EVERY)
        for (let x = 12; x < width; x += EVERY) dots[y * width + x] = 235;
      const file = inFolder(`${name}.mkv`);
      const pixels = Buffer.concat([flat, dots]);
      await encodeRaw(
        file,
        { pixelFormat: 'yuv444p', width, height, pixels },
        { range: 'tv', sampleAspect: aspect },
      );
      const clip = await probe(file, undefined, undefined, wishes);
      const [without, withDots] = await shown(clip);
      let touched = 0;
      for (let y = 0; y < clip.height; y += 1) {
        for (let x = 0; x < clip.width; x += 1) {
          const at = y * clip.width + x;
          if (without!.pixels[at] === withDots!.pixels[at]) continue;
          touched += 1;
          const touches = (position: number, length: number, of: number) => {
            const [start, end] = [(position * of) / length, ((position + 1) * of) / length];
            const dot = Math.round((start + end - 25) / (2 * EVERY)) * EVERY + 12;
            return dot < end + 1e-6 && dot + 1 > start - 1e-6;
          };
          assert.ok(
            touches(x, clip.width, width) && touches(y, clip.height, height),
            `${x},${y} is touched by none`,
          );
        }
      }
      assert.ok(touched >= 48, `${touched} pixels`);
    });
  }
});

describe('interlaced clips', { concurrency: 2 }, () => {
  /** A bar that moves from field to field: its edges are combs where nothing is done. */
  const moving = 'tinterlace=mode=interleave_top,setfield=tff';
  const comb = async (file: string, wishes: Wishes = {}) => {
    const clip = await probe(file, undefined, undefined, wishes);
    const picture = (await shown(clip))[2]!.pixels;
    const { width, height } = clip;
    let rough = 0;
    for (let y = 1; y < height - 1; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const [above, here, below] = [-1, 0, 1].map(step => picture[(y + step) * width + x]!) as [
          number,
          number,
          number,
        ];
        if (Math.abs(above + below - 2 * here) > 160 && Math.abs(above - below) < 20) rough += 1;
      }
    }
    return rough;
  };
  const bar = (path: string, filters: string, output: string[]) =>
    ffmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'color=black:size=128x96:rate=50:duration=0.4',
        '-f',
        'lavfi',
        '-i',
        'color=white:size=20x96:rate=50:duration=0.4',
      ],
      ...['-filter_complex', `[0][1]overlay=x=n*6:y=0,format=yuv420p,${filters}`, ...output, path],
    );

  it('are deinterlaced where they are flagged so, unless that is off', async () => {
    for (const [name, output] of [
      ['flagged.ts', ['-c:v', 'mpeg2video', '-q:v', '2', '-flags', '+ilme+ildct']],
      ['flagged.mp4', ['-c:v', 'libx264', '-qp', '5', '-flags', '+ilme+ildct', '-x264opts', 'tff=1']],
    ] as const) {
      const file = inFolder(name);
      await bar(file, moving, [...output]);
      assert.ok((await comb(file, { deinterlace: false })) > 100, `${name} has no combs`);
      assert.equal(await comb(file), 0, name);
    }
  });

  it('that are not flagged are left alone, and so are progressive ones', async () => {
    const file = inFolder('unflagged.mkv');
    await bar(file, `${moving.split(',')[0]},setfield=prog`, ['-c:v', 'ffv1', '-field_order', 'progressive']);
    const clip = await probe(file);
    assert.equal(clip.interlaced, false);
    assert.ok((await comb(file)) > 100);
  });
});

describe('displayedSize', () => {
  it('never gives less than two pixels to a side that it changes', () => {
    const shape = { turn: 'none', sampleAspect: 1 / 16, wanted: { fraction: 0.001 }, halvings: 0 } as const;
    assert.deepEqual(displayedSize({ width: 1, height: 1 }, shape), { width: 2, height: 2 });
  });
});
