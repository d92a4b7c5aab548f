import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ffmpeg, setDisplayMatrix, temporaryFolder } from '../../tests/support/clips.ts';
import { parseFrame } from '../common/frame.ts';
import type { Wishes } from './clip.ts';
import { type Crop, containerCrop } from './crop.ts';
import { decode } from './decode.ts';
import { probe } from './probe.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);

const SIZE = { width: 128, height: 96 };
const X264 = ['-c:v', 'libx264', '-qp', '0', '-preset', 'ultrafast'];

/** In Matroska's words this is what cropping is written over. From 6.1 on it is the pictures that say it. */
const DESCRIBED = 'setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709';

/** Encodes grey with edges of other colours, which are what is to be cropped. */
async function withEdges(path: string, { left, top, right, bottom }: Crop, output: string[]): Promise<void> {
  const [width, height] = [SIZE.width - left - right, SIZE.height - top - bottom];
  const edges = [
    `drawbox=0:0:${left}:ih:red:fill`,
    `drawbox=0:0:iw:${top}:yellow:fill`,
    `drawbox=${left + width}:0:iw:ih:blue:fill`,
    `drawbox=0:${top + height}:iw:ih:lime:fill`,
  ].filter((_, side) => [left, top, right, bottom][side]! > 0);
  const source = `color=gray:s=${SIZE.width}x${SIZE.height}:r=25:d=0.08,format=yuv444p,${DESCRIBED}`;
  await ffmpeg('-f', 'lavfi', '-i', [source, ...edges].join(), ...output, path);
}

/** Writes PixelCrop elements in the place of a Matroska file's description of colour. */
async function setPixelCrop(path: string, crop: Crop): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.indexOf('55b0', 'hex');
  // ffmpeg writes lengths of one byte or of eight.
  const lengthBytes = bytes.readUInt8(at + 2) > 0x80 ? 1 : 8;
  const end = at + 2 + lengthBytes + (bytes.readUInt8(at + 1 + lengthBytes) & 0x7f);
  const sides: [string, number][] = [
    ['54aa', crop.bottom],
    ['54bb', crop.top],
    ['54cc', crop.left],
    ['54dd', crop.right],
  ];
  const elements = sides.map(([id, length]) => Buffer.from([...Buffer.from(id, 'hex'), 0x81, length]));
  const left = end - at - 16;
  assert.ok(left >= 2 && left < 128, `${left} bytes`);
  Buffer.concat([...elements, Buffer.from([0xec, 0x80 + left - 2]), Buffer.alloc(left - 2)]).copy(bytes, at);
  await writeFile(path, bytes);
}

/** Appends a clean aperture to the only sample entry of a file whose index comes last. */
async function setClap(path: string, fractions: number[]): Promise<void> {
  const bytes = await readFile(path);
  const clap = Buffer.alloc(40);
  clap.writeUInt32BE(clap.length);
  clap.write('clap', 4);
  for (const [n, value] of fractions.entries()) clap.writeInt32BE(value, 8 + 4 * n);
  const description = bytes.indexOf('stsd') - 4;
  const end = description + bytes.readUInt32BE(description);
  const sizes = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd'].map(type => bytes.indexOf(type) - 4);
  for (const at of [...sizes, description + 16]) bytes.writeUInt32BE(bytes.readUInt32BE(at) + 40, at);
  await writeFile(path, Buffer.concat([bytes.subarray(0, end), clap, bytes.subarray(end)]));
}

/** Returns the fractions of a clean aperture that leaves these columns and rows out. */
function clapOf({ left, top, right, bottom }: Crop): number[] {
  const [width, height] = [SIZE.width - left - right, SIZE.height - top - bottom];
  return [width, 1, height, 1, left - right, 2, top - bottom, 2];
}

/** Asserts that nothing but grey is published, and returns the pictures' size. */
async function sizeOfGrey(path: string, wishes: Wishes = {}): Promise<string> {
  const clip = await probe(path, undefined, undefined, wishes);
  const sizes = new Set<string>();
  const damage: string[] = [];
  const events = { damaged: (line: string) => damage.push(line) };
  for await (const { message } of decode(clip, 'bgr24', new AbortController().signal, events)) {
    const frame = parseFrame(message);
    assert.ok(frame.ok);
    sizes.add(`${frame.width}x${frame.height}`);
    const odd = frame.pixels.findIndex(sample => Math.abs(sample - 128) > 3);
    assert.equal(odd, -1, `${frame.pixels[odd]} at pixel ${odd / 3} of ${[...sizes]}`);
  }
  assert.deepEqual(damage, []);
  assert.deepEqual([...sizes], [`${clip.width}x${clip.height}`]);
  return [...sizes].join();
}

const EVEN: Crop = { left: 16, top: 8, right: 24, bottom: 12 };
const ODD: Crop = { left: 15, top: 7, right: 22, bottom: 12 };
const ONE_SIDE: Crop = { left: 0, top: 0, right: 0, bottom: 1 };
const MATROSKA = [
  ...['-c:v', 'ffv1', '-write_crc32', '0', '-color_range', 'tv'],
  ...['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709'],
];

describe("a container's cropping is applied, to the column and the row", { concurrency: 2 }, () => {
  for (const [name, crop, expected] of [
    ['even', EVEN, '88x76'],
    ['odd', ODD, '91x77'],
    ['one-side', ONE_SIDE, '128x95'],
  ] as const) {
    it(`PixelCrop in Matroska: ${name}`, async () => {
      const file = inFolder(`${name}.mkv`);
      await withEdges(file, crop, MATROSKA);
      await setPixelCrop(file, crop);
      assert.equal(await sizeOfGrey(file), expected);
    });

    it(`clap in MP4 and MOV: ${name}`, async () => {
      for (const file of [inFolder(`${name}.mp4`), inFolder(`${name}.mov`)]) {
        await withEdges(
          file,
          crop,
          file.endsWith('mov') ? ['-c:v', 'prores_ks', '-profile:v', '4444'] : X264,
        );
        await setClap(file, clapOf(crop));
        // ProRes is not lossless, and lets colours into the block beside them.
        if (file.endsWith('mp4')) assert.equal(await sizeOfGrey(file), expected);
        else assert.equal(sizeOf(await probe(file)), expected);
      }
    });
  }

  const sizeOf = ({ width, height }: { width: number; height: number }) => `${width}x${height}`;

  it('before the picture is turned, widened and made smaller', async () => {
    const file = inFolder('turned.mp4');
    await withEdges(file, EVEN, ['-vf', 'setsar=2/1', ...X264]);
    await setClap(file, clapOf(EVEN));
    assert.equal(await sizeOfGrey(file), '176x76');
    await setDisplayMatrix(file, [0, 1, -1, 0]);
    assert.equal(await sizeOfGrey(file), '76x176');
    assert.equal(await sizeOfGrey(file, { size: { width: 38 } }), '38x88');
  });

  it("with Matroska's display size, which is that of the cropped picture", async () => {
    const file = inFolder('display.mkv');
    // ffmpeg writes a display size of 256x96 for 128x96, and so a shape of 8:3.
    await withEdges(file, EVEN, ['-vf', 'setsar=2/1', ...MATROSKA]);
    await setPixelCrop(file, EVEN);
    assert.equal(await sizeOfGrey(file), '202x76');
  });

  it('with JPEGs, whose decoder could halve them', async () => {
    const file = inFolder('jpeg.mov');
    const crop = { left: 32, top: 16, right: 32, bottom: 16 };
    await withEdges(file, crop, ['-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', 'yuvj444p']);
    await setClap(file, clapOf(crop));
    assert.equal(await sizeOfGrey(file, { size: { fraction: 0.5 } }), '32x32');
  });
});

describe('containerCrop', () => {
  it('ignores an aperture that makes no sense', async () => {
    const plain = inFolder('plain.mp4');
    await withEdges(plain, { left: 0, top: 0, right: 0, bottom: 0 }, X264);
    const bytes = await readFile(plain);
    for (const fractions of [
      [129, 1, 96, 1, 0, 1, 0, 1],
      [88, 0, 76, 1, 0, 1, 0, 1],
      [88, 1, 76, 1, -40, 1, 0, 1],
      [88, 1, 76, 1, 0, 1, 2 ** 31 - 1, 1],
      [0, 1, 0, 1, 0, 1, 0, 1],
      [128, 1, 96, 1, 0, 1, 0, 1],
    ]) {
      const file = inFolder('senseless.mp4');
      await writeFile(file, bytes);
      await setClap(file, fractions);
      assert.equal(await containerCrop(file, 0, SIZE), undefined, fractions.join());
    }
  });

  it('ends with whatever the file says of its structure', async () => {
    const files = [inFolder('even.mp4'), inFolder('even.mkv')];
    for (const file of files) {
      const bytes = await readFile(file);
      const damaged = inFolder('damaged');
      const seed = { value: 1 };
      const random = (below: number) => {
        seed.value = (seed.value * 48271) % 2147483647;
        return seed.value % below;
      };
      for (let round = 0; round < 100; round += 1) {
        const copy = Buffer.from(bytes.subarray(0, 1 + random(bytes.length)));
        for (let n = 0; n < 8; n += 1) copy[random(copy.length)] = random(256);
        await writeFile(damaged, copy);
        await containerCrop(damaged, 0, SIZE);
      }
    }
  });
});
