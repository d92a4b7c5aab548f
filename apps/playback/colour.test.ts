import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  encodeRaw,
  ffmpeg,
  type RawPictures,
  setDisplayMatrix,
  temporaryFolder,
} from '../../tests/support/clips.ts';
import { FrameLayout } from '../common/frame.ts';
import type { WireFormat } from '../common/pixels.ts';
import type { Clip } from './clip.ts';
import { decode } from './decode.ts';
import { probe } from './probe.ts';

/** Levels of 255 that a decoded sample may be off the exact formula. */
const TOLERANCE = 2;

type Rgb = [number, number, number];
/** Luma from 0 to 1, colour differences from -0.5 to 0.5. */
type Ycc = [number, number, number];

/** Kr and Kb of ITU-R BT.601, BT.709, BT.2020 and SMPTE 240M. */
const WEIGHTS = {
  bt470bg: [0.299, 0.114],
  smpte170m: [0.299, 0.114],
  bt709: [0.2126, 0.0722],
  bt2020nc: [0.2627, 0.0593],
  smpte240m: [0.212, 0.087],
} as const;
type Matrix = keyof typeof WEIGHTS;

function rgbToYcc([r, g, b]: Rgb, matrix: Matrix): Ycc {
  const [kr, kb] = WEIGHTS[matrix];
  const y = kr * r + (1 - kr - kb) * g + kb * b;
  return [y, (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))];
}

function yccToRgb([y, cb, cr]: Ycc, matrix: Matrix): Rgb {
  const [kr, kb] = WEIGHTS[matrix];
  const r = y + 2 * (1 - kr) * cr;
  const b = y + 2 * (1 - kb) * cb;
  return [r, (y - kr * r - kb * b) / (1 - kr - kb), b];
}

/** A picture as numbers: the colour at every pixel, in floating point. */
interface Picture extends RawPictures {
  rgb(x: number, y: number): Rgb;
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The pixels of one chroma sample that the picture has. */
function* sharing(cx: number, cy: number, sx: number, sy: number, width: number, height: number) {
  for (let y = cy << sy; y < Math.min((cy + 1) << sy, height); y += 1) {
    for (let x = cx << sx; x < Math.min((cx + 1) << sx, width); x += 1) yield [x, y] as const;
  }
}

/** Colour bars above; ramps of white, red, green and blue below them. */
function barsAndRamps(width: number, height: number): (x: number, y: number) => Rgb {
  return (x, y) => {
    if (y < height / 2) {
      const bar = Math.floor((x * 8) / width);
      const level = y < height / 4 ? 1 : 0.75;
      return [bar & 2 ? 0 : level, bar & 4 ? 0 : level, bar & 1 ? 0 : level];
    }
    const ramp = Math.floor(((y - Math.ceil(height / 2)) * 4) / Math.floor(height / 2));
    const level = x / (width - 1);
    return ramp === 0 ? [level, level, level] : ([1, 2, 3].map(n => (n === ramp ? level : 0)) as Rgb);
  };
}

interface Sampling {
  pixelFormat: string;
  /** Binary logarithm of how many pixels share a chroma sample, across and down. */
  shared: readonly [number, number];
  bits?: number;
  matrix: Matrix;
  range: 'tv' | 'pc';
}

/** Packs code values into planes, two little-endian bytes each above 8 bits. */
function pack(codes: number[], bits: number): Buffer {
  return Buffer.from(bits === 8 ? Uint8Array.from(codes).buffer : Uint16Array.from(codes).buffer);
}

/** Samples a picture into Y'CbCr code values; what they then mean, exactly, is what `rgb` gives. */
function yuvPicture(
  width: number,
  height: number,
  colour: (x: number, y: number) => Rgb,
  { pixelFormat, shared: [sx, sy], bits = 8, matrix, range }: Sampling,
): Picture {
  const unit = 2 ** (bits - 8);
  const full = 2 ** bits - 1;
  const luma = range === 'pc' ? { zero: 0, span: full } : { zero: 16 * unit, span: 219 * unit };
  const chroma = { zero: 128 * unit, span: range === 'pc' ? full : 224 * unit };
  const code = (value: number, { zero, span }: { zero: number; span: number }) =>
    Math.min(full, Math.max(0, Math.round(zero + value * span)));

  const chromaWidth = Math.ceil(width / 2 ** sx);
  const chromaHeight = Math.ceil(height / 2 ** sy);
  const y: number[] = [];
  const u: number[] = [];
  const v: number[] = [];
  for (let row = 0; row < height; row += 1) {
    for (let x = 0; x < width; x += 1) y.push(code(rgbToYcc(colour(x, row), matrix)[0], luma));
  }
  for (let cy = 0; cy < chromaHeight; cy += 1) {
    for (let cx = 0; cx < chromaWidth; cx += 1) {
      const ycc = [...sharing(cx, cy, sx, sy, width, height)].map(([x, row]) =>
        rgbToYcc(colour(x, row), matrix),
      );
      u.push(code(mean(ycc.map(([, cb]) => cb)), chroma));
      v.push(code(mean(ycc.map(([, , cr]) => cr)), chroma));
    }
  }
  const value = (codes: number[], index: number, { zero, span }: { zero: number; span: number }) =>
    ((codes[index] ?? Number.NaN) - zero) / span;
  return {
    pixelFormat,
    width,
    height,
    pixels: Buffer.concat([y, u, v].map(codes => pack(codes, bits))),
    rgb(x, row) {
      const sample = (row >> sy) * chromaWidth + (x >> sx);
      const ycc: Ycc = [value(y, row * width + x, luma), value(u, sample, chroma), value(v, sample, chroma)];
      return yccToRgb(ycc, matrix);
    },
  };
}

/** Samples a picture into RGB code values, in planes or packed. */
function rgbPicture(
  width: number,
  height: number,
  colour: (x: number, y: number) => Rgb,
  pixelFormat: 'rgb24' | 'gbrp' | 'gbrp10le',
): Picture {
  const bits = pixelFormat === 'gbrp10le' ? 10 : 8;
  const full = 2 ** bits - 1;
  const pixels: Rgb[] = [];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1)
      pixels.push(colour(x, y).map(value => Math.round(value * full)) as Rgb);
  }
  const plane = (channel: number) => pixels.map(pixel => pixel[channel] ?? 0);
  return {
    pixelFormat,
    width,
    height,
    pixels: pack(pixelFormat === 'rgb24' ? pixels.flat() : [plane(1), plane(2), plane(0)].flat(), bits),
    rgb: (x, y) => (pixels[y * width + x] ?? []).map(value => value / full) as Rgb,
  };
}

/** A picture without chroma. */
function greyPicture(
  width: number,
  height: number,
  pixelFormat: string,
  bits: number,
  range: 'tv' | 'pc',
): Picture {
  const picture = yuvPicture(width, height, (x, y) => Array(3).fill(((x + y) % width) / (width - 1)) as Rgb, {
    pixelFormat,
    shared: [0, 0],
    bits,
    matrix: 'bt470bg',
    range,
  });
  return { ...picture, pixels: picture.pixels.subarray(0, picture.pixels.length / 3) };
}

/** What a wire format's pixels are, by the formula. */
function exactly({ rgb, width, height }: Picture, format: WireFormat): number[] {
  const levels: number[] = [];
  const clamp = (level: number) => Math.min(255, Math.max(0, level));
  if (format === 'bgr24') {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1)
        levels.push(
          ...rgb(x, y)
            .map(value => clamp(value * 255))
            .reverse(),
        );
    }
    return levels;
  }
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) levels.push(clamp(rgbToYcc(rgb(x, y), 'bt470bg')[0] * 255));
  }
  for (const channel of [1, 2] as const) {
    for (let cy = 0; cy < height / 2; cy += 1) {
      for (let cx = 0; cx < width / 2; cx += 1) {
        const values = [...sharing(cx, cy, 1, 1, width, height)].map(
          ([x, y]) => rgbToYcc(rgb(x, y), 'bt470bg')[channel],
        );
        levels.push(clamp(128 + mean(values) * 255));
      }
    }
  }
  return levels;
}

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);
let clips = 0;
const newFile = (kind: string) => inFolder(`${clips++}.${kind}`);

/** The pixels of a clip's frames as they would go over the wire. */
async function pixelsOf(clip: Clip, format: WireFormat): Promise<Buffer[]> {
  const layout = new FrameLayout(format, clip.width, clip.height);
  const damage: string[] = [];
  const events = { damaged: (line: string) => damage.push(line) };
  const frames: Buffer[] = [];
  for await (const { message } of decode(clip, layout.format, new AbortController().signal, events)) {
    frames.push(message.subarray(layout.pixelOffset, layout.pixelOffset + layout.pixelBytes));
  }
  assert.deepEqual(damage, []);
  return frames;
}

async function assertExact(file: string, expected: Picture): Promise<void> {
  const clip = await probe(file);
  assert.deepEqual([clip.width, clip.height], [expected.width, expected.height]);
  for (const format of ['i420', 'bgr24'] as const) {
    const [pixels] = await pixelsOf(clip, format);
    const levels = exactly(expected, format);
    assert.equal(pixels?.length, levels.length);
    let worst = { off: 0, text: '' };
    for (const [at, level] of levels.entries()) {
      const off = Math.abs(level - (pixels?.[at] ?? Number.NaN));
      if (!(off <= worst.off))
        worst = { off, text: `sample ${at} is ${pixels?.[at]}, not ${level.toFixed(2)}` };
    }
    assert.ok(worst.off <= TOLERANCE, `${format} of ${expected.pixelFormat}: ${worst.text}`);
  }
}

const CHROMA = { 420: [1, 1], 422: [1, 0], 444: [0, 0], 440: [0, 1], 411: [2, 0] } as const;
const SIZES = [
  [64, 48],
  [51, 37],
] as const;

const DEPTHS = [8, 10, 12];

describe('colours are within 2 levels of the exact formula', { concurrency: 4 }, () => {
  const ranges = (['smpte170m', 'bt709', 'bt2020nc'] as const).flatMap(matrix =>
    (['tv', 'pc'] as const).map(range => ({ matrix, range })),
  );
  for (const [turn, { matrix, range }] of ranges.entries()) {
    it(`of ${matrix}, range ${range}, 4:2:0, 4:2:2 and 4:4:4, at 8, 10 and 12 bits, in even and odd sizes`, async () => {
      for (const [index, chroma] of ([420, 422, 444] as const).entries()) {
        const bits = DEPTHS[(turn + index) % 3]!;
        const [width, height] = SIZES[((turn >> 1) + index) % 2]!;
        const picture = yuvPicture(width, height, barsAndRamps(width, height), {
          pixelFormat: `yuv${chroma}p${bits === 8 ? '' : `${bits}le`}`,
          shared: CHROMA[chroma],
          bits,
          matrix,
          range,
        });
        const file = newFile('mkv');
        await encodeRaw(file, picture, { matrix, range });
        await assertExact(file, picture);
      }
    });
  }

  it('of an untagged clip, which is BT.601 below HD and BT.709 from there on, limited', async () => {
    for (const { width, height, matrix } of [
      { width: 1278, height: 16, matrix: 'smpte170m' },
      { width: 1280, height: 16, matrix: 'bt709' },
      { width: 16, height: 576, matrix: 'smpte170m' },
      { width: 16, height: 578, matrix: 'bt709' },
    ] as const) {
      const about = { pixelFormat: 'yuv420p', shared: CHROMA[420], matrix, range: 'tv' } as const;
      const picture = yuvPicture(width, height, barsAndRamps(width, height), about);
      const file = newFile('mkv');
      await encodeRaw(file, picture);
      await assertExact(file, picture);
    }
  });

  it('of a clip whose pixels are not square', async () => {
    const about = { pixelFormat: 'yuv444p', shared: CHROMA[444], matrix: 'bt709', range: 'tv' } as const;
    const picture = yuvPicture(64, 48, barsAndRamps(64, 48), about);
    const file = newFile('mkv');
    await encodeRaw(file, picture, { ...about, sampleAspect: '3/2' });
    const source = (x: number) => Math.floor((x + 0.5) / 1.5);
    await assertExact(file, { ...picture, width: 96, rgb: (x, y) => picture.rgb(source(x), y) });
  });

  for (const pixelFormat of ['yuv440p', 'yuv411p', 'yuva420p', 'yuv420p9le', 'yuv420p16le', 'yuv444p16le']) {
    it(`of ${pixelFormat}, which no filter takes as it is`, async () => {
      const bits = Number(/p(\d+)le/.exec(pixelFormat)?.[1] ?? 8);
      const chroma = Number(/\d{3}/.exec(pixelFormat)?.[0]) as keyof typeof CHROMA;
      for (const [width, height] of chroma > 420 || chroma < 420 ? SIZES.slice(0, 1) : SIZES) {
        const about = { pixelFormat, shared: CHROMA[chroma], bits, matrix: 'bt709', range: 'tv' } as const;
        const picture = yuvPicture(width, height, barsAndRamps(width, height), about);
        const pixels = pixelFormat.startsWith('yuva')
          ? Buffer.concat([picture.pixels, Buffer.alloc(width * height, 255)])
          : picture.pixels;
        const file = newFile('mkv');
        await encodeRaw(file, { ...picture, pixels }, about);
        await assertExact(file, picture);
      }
    });
  }

  const OPTIONS: Record<string, string[]> = {
    libx264rgb: ['-qp', '0'],
    // As AVI stores it: the same bytes in another order.
    rawvideo: ['-pix_fmt', 'bgr24'],
  };
  for (const { pixelFormat, codec } of [
    { pixelFormat: 'rgb24', codec: 'rawvideo' },
    // H.264 of RGB decodes to gbrp.
    { pixelFormat: 'rgb24', codec: 'libx264rgb' },
    { pixelFormat: 'gbrp', codec: 'ffv1' },
    { pixelFormat: 'gbrp10le', codec: 'ffv1' },
  ] as const) {
    it(`of ${pixelFormat} in ${codec}`, async () => {
      for (const [width, height] of SIZES) {
        const picture = rgbPicture(width, height, barsAndRamps(width, height), pixelFormat);
        const file = newFile(codec === 'rawvideo' ? 'avi' : 'mkv');
        await encodeRaw(file, picture, {}, ['-c:v', codec, ...(OPTIONS[codec] ?? [])]);
        await assertExact(file, picture);
      }
    });
  }

  it('of the palette of a GIF', async () => {
    const [width, height] = [64, 48];
    const pixels = Buffer.from(Array.from({ length: width * height }, (_, at) => (at * 7) % 256));
    const file = newFile('gif');
    await encodeRaw(file, { pixelFormat: 'rgb8', width, height, pixels }, {}, ['-c:v', 'gif']);
    await assertExact(file, {
      pixelFormat: 'pal8',
      width,
      height,
      pixels,
      // The palette that ffmpeg's encoder gives to rgb8: three bits, three and two.
      rgb(x, y) {
        const code = pixels[y * width + x] ?? 0;
        return [((code >> 5) * 36) / 255, (((code >> 2) & 7) * 36) / 255, ((code & 3) * 85) / 255];
      },
    });
  });

  for (const { pixelFormat, bits } of [
    { pixelFormat: 'gray', bits: 8 },
    { pixelFormat: 'gray10le', bits: 10 },
    { pixelFormat: 'gray12le', bits: 12 },
    { pixelFormat: 'gray16le', bits: 16 },
  ]) {
    it(`of ${pixelFormat}, limited range and full`, async () => {
      for (const range of ['tv', 'pc'] as const) {
        for (const [width, height] of SIZES) {
          const picture = greyPicture(width, height, pixelFormat, bits, range);
          const file = newFile('mkv');
          await encodeRaw(file, picture, { range });
          await assertExact(file, picture);
        }
      }
    });
  }
});

describe('grey without a tag is full range, as players show it', { concurrency: 4 }, () => {
  const LEVELS = [10, 14, 20, 64, 128, 200, 235, 245];

  for (const { pixelFormat, bits } of [
    { pixelFormat: 'gray', bits: 8 },
    { pixelFormat: 'gray10le', bits: 10 },
    { pixelFormat: 'gray16le', bits: 16 },
  ]) {
    it(`of ${pixelFormat}`, async () => {
      const codes = LEVELS.map(level => Math.round((level * (2 ** bits - 1)) / 255));
      const file = newFile('mkv');
      await encodeRaw(file, { pixelFormat, width: 8, height: 2, pixels: pack([...codes, ...codes], bits) });
      const [i420] = await pixelsOf(await probe(file), 'i420');
      const found = [...i420!.subarray(0, 8)];
      assert.ok(
        LEVELS.every((level, at) => Math.abs(level - found[at]!) <= 1),
        `${found}`,
      );
    });
  }
});

describe('what is transparent shows black', { concurrency: 4 }, () => {
  const [width, height] = [64, 48];
  /** Hidden, half hidden and open thirds; the hidden one is white beneath. */
  const third = (x: number) => Math.floor((x * 3) / width);
  const ALPHA = [0, 128, 255];
  const COLOURS: Rgb[] = [
    [255, 255, 255],
    [200, 100, 60],
    [60, 200, 100],
  ];
  const rgba = Buffer.from(
    Array.from({ length: width * height }, (_, at) => {
      const part = third(at % width);
      return [...COLOURS[part]!, ALPHA[part]!];
    }).flat(),
  );

  for (const { kind, pixelFormat, output, halves = true, off = 3 } of [
    { kind: 'mkv', pixelFormat: 'bgra', output: ['-c:v', 'ffv1'] },
    { kind: 'mkv', pixelFormat: 'gbrap', output: ['-c:v', 'ffv1'] },
    { kind: 'mkv', pixelFormat: 'yuva420p', output: ['-c:v', 'ffv1'], off: 6 },
    { kind: 'mkv', pixelFormat: 'yuva444p10le', output: ['-c:v', 'ffv1'], off: 5 },
    { kind: 'apng', pixelFormat: 'rgba', output: ['-c:v', 'apng'] },
    { kind: 'mov', pixelFormat: 'rgba', output: ['-c:v', 'png'] },
    {
      kind: 'mov',
      pixelFormat: 'yuva444p10le',
      output: ['-c:v', 'prores_ks', '-profile:v', '4444'],
      off: 10,
    },
    {
      kind: 'webm',
      pixelFormat: 'yuva420p',
      output: ['-c:v', 'libvpx-vp9', '-auto-alt-ref', '0', '-crf', '4', '-b:v', '0'],
      off: 14,
    },
    {
      kind: 'webm',
      pixelFormat: 'yuva420p',
      output: ['-c:v', 'libvpx', '-auto-alt-ref', '0', '-crf', '4', '-b:v', '4M'],
      off: 14,
    },
    { kind: 'gif', pixelFormat: 'bgra', output: ['-c:v', 'gif'], halves: false, off: 8 },
  ]) {
    it(`of ${pixelFormat} in ${output[1]}, ${kind}`, async () => {
      const file = newFile(kind);
      const raw = `${file}.rgba`;
      await writeFile(raw, rgba);
      const palette = kind === 'gif' ? ',split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none' : '';
      await ffmpeg(
        ...['-f', 'rawvideo', '-pix_fmt', 'rgba', '-s', `${width}x${height}`, '-framerate', '25', '-i', raw],
        ...['-vf', `scale=flags=neighbor,format=${pixelFormat}${palette}`, ...output, file],
      );
      const clip = await probe(file);
      for (const format of ['bgr24', 'i420'] as const) {
        const [pixels] = await pixelsOf(clip, format);
        // Away from the edges between the thirds, where a codec that loses something blurs.
        for (const [part, x] of [8, 32, 56].entries()) {
          if (part === 1 && !halves) continue;
          const [r, g, b] = COLOURS[part]!.map(level => (level * ALPHA[part]!) / 255) as Rgb;
          const at = 20 * width + x;
          const found = format === 'bgr24' ? [...pixels!.subarray(3 * at, 3 * at + 3)] : [pixels![at]!];
          const expected = format === 'bgr24' ? [b, g, r] : [0.299 * r + 0.587 * g + 0.114 * b];
          const isNear = expected.every((level, channel) => Math.abs(level - found[channel]!) <= off);
          assert.ok(isNear, `third ${part} as ${format}: ${found}, not ${expected}`);
        }
      }
    });
  }
});

describe('a turned picture is turned before its chroma is shared', { concurrency: 4 }, () => {
  for (const { name, matrix } of [
    { name: '90° clockwise', matrix: [0, 1, -1, 0] },
    { name: '180°', matrix: [-1, 0, 0, -1] },
    { name: '90° counter-clockwise', matrix: [0, -1, 1, 0] },
    { name: 'left to right', matrix: [-1, 0, 0, 1] },
    { name: 'upside down', matrix: [1, 0, 0, -1] },
    { name: 'about one diagonal', matrix: [0, 1, 1, 0] },
    { name: 'about the other', matrix: [0, -1, -1, 0] },
  ] as const) {
    it(`turned ${name}`, async () => {
      const [a, b, c, d] = matrix;
      for (const { chroma, width, height } of [
        { chroma: 422, width: 64, height: 48 },
        { chroma: 444, width: 51, height: 37 },
      ] as const) {
        const about = {
          pixelFormat: `yuv${chroma}p`,
          shared: CHROMA[chroma],
          matrix: 'bt709',
          range: 'tv',
        } as const;
        const coded = yuvPicture(width, height, barsAndRamps(width, height), about);
        const file = newFile('mp4');
        await encodeRaw(file, coded, about, ['-c:v', 'libx264', '-qp', '0', '-preset', 'ultrafast']);
        await setDisplayMatrix(file, [a, b, c, d]);
        await assertExact(file, {
          ...coded,
          width: a === 0 ? height : width,
          height: a === 0 ? width : height,
          rgb: (x, y) =>
            coded.rgb(
              a * x + b * y + (a + b < 0 ? width - 1 : 0),
              c * x + d * y + (c + d < 0 ? height - 1 : 0),
            ),
        });
      }
    });
  }
});

describe('a pixel colours no other than those it shares a chroma sample with', { concurrency: 4 }, () => {
  /** Every few chroma samples, both ways, one is not neutral; and in the corner. */
  const APART = 5;

  for (const { chroma, width, height, bits } of [
    { chroma: 420, width: 64, height: 48, bits: 8 },
    { chroma: 420, width: 51, height: 37, bits: 10 },
    { chroma: 422, width: 64, height: 48, bits: 8 },
    { chroma: 422, width: 51, height: 37, bits: 8 },
    { chroma: 444, width: 64, height: 48, bits: 10 },
    { chroma: 444, width: 51, height: 37, bits: 8 },
    { chroma: 440, width: 64, height: 48, bits: 8 },
    { chroma: 411, width: 64, height: 48, bits: 8 },
  ] as const) {
    it(`4:${String(chroma).slice(1).split('').join(':')} of ${bits} bits, ${width}×${height}`, async () => {
      const [sx, sy] = CHROMA[chroma];
      const [chromaWidth, chromaHeight] = [Math.ceil(width / 2 ** sx), Math.ceil(height / 2 ** sy)];
      const isImpulse = (cx: number, cy: number) =>
        (cx % APART === 2 && cy % APART === 2) || (cx === chromaWidth - 1 && cy === chromaHeight - 1);
      const unit = 2 ** (bits - 8);
      const luma = Array(width * height).fill(126 * unit);
      const flat = Array(chromaWidth * chromaHeight).fill(128 * unit);
      const impulses = flat.map((neutral, at) =>
        isImpulse(at % chromaWidth, Math.floor(at / chromaWidth)) ? 240 * unit : neutral,
      );
      const pictures = [flat, impulses].flatMap(plane => [luma, plane, plane]);
      const file = newFile('mkv');
      const pixelFormat = `yuv${chroma}p${bits === 8 ? '' : `${bits}le`}`;
      const pixels = Buffer.concat(pictures.map(codes => pack(codes, bits)));
      await encodeRaw(file, { pixelFormat, width, height, pixels }, { matrix: 'bt709', range: 'tv' });

      const clip = await probe(file);
      const touched = (x: number, y: number) => isImpulse(x >> sx, y >> sy);
      const [bgr0, bgr1] = await pixelsOf(clip, 'bgr24');
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
          const at = 3 * (y * width + x);
          const differs = bgr0?.compare(bgr1!, at, at + 3, at, at + 3) !== 0;
          assert.equal(differs, touched(x, y), `BGR at ${x}, ${y}`);
        }
      }
      const [yuv0, yuv1] = await pixelsOf(clip, 'i420');
      for (let cy = 0; cy < height / 2; cy += 1) {
        for (let cx = 0; cx < width / 2; cx += 1) {
          const shares = [...sharing(cx, cy, 1, 1, width, height)].some(([x, y]) => touched(x, y));
          const at = width * height + cy * Math.ceil(width / 2) + cx;
          assert.equal(yuv0?.[at] !== yuv1?.[at], shares, `chroma at ${cx}, ${cy}`);
        }
      }
      for (let at = 0; at < width * height; at += 1) {
        if (!touched(at % width, Math.floor(at / width)))
          assert.equal(yuv0?.[at], yuv1?.[at], `luma at ${at}`);
      }
    });
  }
});
