import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ffmpeg, temporaryFolder } from '../../tests/support/clips.ts';
import { readHeader } from './image-header.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

const made = async (name: string, ...options: string[]) => {
  const file = join(folder.path, name);
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=5', ...options, file);
  return await readFile(file);
};
const one = ['-frames:v', '1'];

const PICTURES: [name: string, codec: string, ...options: string[]][] = [
  ['a.jpg', 'mjpeg', ...one],
  ['a.png', 'png', ...one],
  ['a.webp', 'webp', ...one, '-c:v', 'libwebp'],
  ['alpha.webp', 'webp', ...one, '-pix_fmt', 'yuva420p', '-c:v', 'libwebp'],
  ['lossless.webp', 'webp', ...one, '-c:v', 'libwebp', '-lossless', '1'],
  ['a.tiff', 'tiff', ...one],
  ['grey.tiff', 'tiff', ...one, '-pix_fmt', 'gray16le', '-compression_algo', 'deflate'],
  ['a.gif', 'gif', ...one],
  ['a.bmp', 'bmp', ...one],
];

describe('readHeader', () => {
  for (const [name, codec, ...options] of PICTURES) {
    it(`knows ${name}, and whether all of it is there`, async () => {
      const bytes = await made(name, ...options);
      const header = readHeader(bytes);
      assert.deepEqual([header?.codec, header?.isWhole, header?.isAnimated], [codec, true, false]);
      assert.deepEqual([header?.width, header?.height], [64, 48]);
      for (const share of [0.02, 0.3, 0.7, 0.99]) {
        const part = readHeader(bytes.subarray(0, Math.max(20, Math.floor(bytes.length * share))));
        assert.deepEqual([part?.codec, part?.isWhole], [codec, false], `${share}`);
      }
      // As a writer leaves it that sets the length first.
      const hollow = Buffer.concat([bytes.subarray(0, bytes.length / 2), Buffer.alloc(bytes.length / 2)]);
      if (['mjpeg', 'png', 'gif'].includes(codec)) assert.equal(readHeader(hollow)?.isWhole, false);
    });
  }

  it('takes a picture for whole whose Exif leads nowhere', async () => {
    const exif = Buffer.from('457869660000' + '49492a00ffff0000' + '0100', 'hex');
    const jpeg = await made('exif.jpg', ...one);
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, exif.length + 2]), exif]);
    const header = readHeader(Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]));
    assert.deepEqual([header?.isWhole, header?.width, header?.height], [true, 64, 48]);

    const png = await made('exif.png', ...one);
    const chunk = Buffer.alloc(12 + exif.length - 6);
    chunk.writeUInt32BE(exif.length - 6);
    chunk.write('eXIf', 4);
    exif.copy(chunk, 8, 6);
    const end = png.length - 12;
    assert.equal(readHeader(Buffer.concat([png.subarray(0, end), chunk, png.subarray(end)]))?.isWhole, true);
  });

  it('knows an animation from a still', async () => {
    for (const [name, ...options] of [
      ['b.apng', '-plays', '0'],
      ['b.gif'],
      ['b.webp', '-c:v', 'libwebp_anim'],
      ['b.mjpeg'],
    ]) {
      const header = readHeader(await made(name!, '-frames:v', '4', ...options));
      assert.deepEqual([header?.isWhole, header?.isAnimated], [true, true], name);
    }
  });

  it('tells pictures apart that are stored in different ways', async () => {
    const kinds = [
      await made('rgb.png', ...one, '-pix_fmt', 'rgb24'),
      await made('grey.png', ...one, '-pix_fmt', 'gray16be'),
      await made('a420.jpg', ...one, '-pix_fmt', 'yuvj420p'),
      await made('a444.jpg', ...one, '-pix_fmt', 'yuvj444p'),
    ].map(bytes => readHeader(bytes)?.kind);
    assert.equal(new Set(kinds).size, 4, kinds.join());
  });

  it('takes nothing else for a picture', async () => {
    assert.equal(readHeader(Buffer.from('This is no picture, and long enough to be one.')), undefined);
    assert.equal(readHeader(await made('a.mp4', ...one, '-c:v', 'libx264')), undefined);
    assert.equal(readHeader(Buffer.alloc(0)), undefined);
  });
});
