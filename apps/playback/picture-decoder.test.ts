import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ffmpeg, temporaryFolder } from '../../tests/support/clips.ts';
import type { Wishes } from './clip.ts';
import { PictureDecoder } from './picture-decoder.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);

/** One file for each way to store a picture, of the shade that its name begins with. */
const KINDS = {
  'a.png': ['-pix_fmt', 'rgb24'],
  'b.jpg': ['-pix_fmt', 'yuvj420p'],
  'c.png': ['-pix_fmt', 'gray16be'],
  'd.tiff': ['-pix_fmt', 'rgb24'],
  'e.bmp': ['-pix_fmt', 'bgr24'],
  'f.jpg': ['-pix_fmt', 'yuvj444p'],
};
const SHADES: Record<string, number> = { a: 40, b: 80, c: 120, d: 160, e: 200, f: 240 };
const started = inFolder('started');

before(async () => {
  for (const [name, options] of Object.entries(KINDS)) {
    const shade = SHADES[name[0]!]!.toString(16);
    const colour = `color=0x${shade}${shade}${shade}:s=64x48`;
    await ffmpeg('-f', 'lavfi', '-i', colour, '-frames:v', '1', '-update', '1', ...options, inFolder(name));
  }
  await writeFile(inFolder('half.png'), (await readFile(inFolder('a.png'))).subarray(0, 60));
  const broken = Buffer.from(await readFile(inFolder('a.png')));
  broken.fill(0xff, broken.indexOf('IDAT') + 4, broken.length - 12);
  await writeFile(inFolder('broken.png'), broken);
  // The real one, of which each start leaves a line.
  await writeFile(
    inFolder('ffmpeg'),
    `#!/bin/sh\necho >>${started}\nPATH='${process.env['PATH']}' exec ffmpeg "$@"\n`,
  );
  await chmod(inFolder('ffmpeg'), 0o755);
  process.env['PATH'] = `${folder.path}${delimiter}${process.env['PATH']}`;
});
beforeEach(() => writeFile(started, ''));

/** Decodes files of the folder and returns the shade in the middle of each that is shown, with its number, and what is left out. */
async function decoded(names: string[], wishes: Wishes = {}) {
  const skipped: string[] = [];
  const shown: [number, number][] = [];
  const sizes: string[] = [];
  const decoder = new PictureDecoder('i420', new AbortController().signal, wishes);
  const skip = (path: string, why: string) => skipped.push(`${path.slice(folder.path.length + 1)} ${why}`);
  for await (const { message, number } of decoder.decode(names.map(inFolder), 10, skip)) {
    const [width, height] = [Number(message.readBigUInt64BE(0)), Number(message.readBigUInt64BE(8))];
    sizes.push(`${width}×${height}`);
    shown.push([number, message[16 + width * (height >> 1) + (width >> 1)]!]);
  }
  return { shown, skipped, sizes, decoders: (await readFile(started, 'utf8')).length };
}

function assertShades(shown: [number, number][], names: string[]): void {
  for (const [number, shade] of shown) {
    assert.ok(Math.abs(shade - SHADES[names[number]![0]!]!) <= 2, `${number}: ${names[number]} is ${shade}`);
  }
}

describe('PictureDecoder', () => {
  it('decodes a mixture of kinds in its order with one decoder for each', async () => {
    const names = Array.from({ length: 8 }, () => ['a.png', 'b.jpg', 'c.png']).flat();
    const { shown, skipped, decoders } = await decoded(names);
    assert.deepEqual(
      shown.map(([number]) => number),
      [...names.keys()],
    );
    assertShades(shown, names);
    assert.deepEqual([skipped, decoders], [[], 3]);
  });

  it('decodes more kinds than it has decoders for', async () => {
    const names = [...Object.keys(KINDS), ...Object.keys(KINDS).toReversed(), ...Object.keys(KINDS)];
    const { shown, skipped } = await decoded(names);
    assert.equal(shown.length, names.length);
    assertShades(shown, names);
    assert.deepEqual(skipped, []);
  });

  it('comes back to a kind after many of another, and reads no list through for the next of a kind', async () => {
    const names = [
      'a.png',
      ...Array(50).fill('b.jpg'),
      'a.png',
      'b.jpg',
      ...Array(50).fill('c.png'),
      'a.png',
    ];
    const { shown, skipped, decoders } = await decoded(names);
    assert.equal(shown.length, names.length);
    assertShades(shown, names);
    assert.deepEqual([skipped, decoders], [[], 5]);
  });

  it('leaves out what is half there or does not decode, wherever it lies, once and by name', async () => {
    const names = ['half.png', 'a.png', 'b.jpg', 'broken.png', 'half.png', 'b.jpg', 'a.png', 'no-such.png'];
    const { shown, skipped } = await decoded(names);
    assert.deepEqual(
      shown.map(([number]) => number),
      [1, 2, 5, 6],
    );
    assertShades(shown, names);
    assert.deepEqual(skipped.toSorted(), [
      'broken.png does not decode',
      'half.png is only half there, as a PNG',
      'half.png is only half there, as a PNG',
      'no-such.png does not exist',
    ]);
  });

  it('makes each JPEG smaller by its own size', async () => {
    for (const size of ['640x480', '160x120'])
      await ffmpeg('-f', 'lavfi', '-i', `testsrc2=s=${size}`, '-frames:v', '1', inFolder(`${size}.jpg`));
    const { sizes } = await decoded(['640x480.jpg', '160x120.jpg', '640x480.jpg'], { size: { width: 160 } });
    assert.deepEqual(sizes, Array(3).fill('160×120'));
  });

  it('checks memory for each large picture, also if a small one of its kind came before', async t => {
    t.mock.method(process, 'constrainedMemory', () => 3e8);
    const large = ['-f', 'lavfi', '-i', 'color=gray:s=5000x4000', '-frames:v', '1', '-pix_fmt', 'rgb24'];
    await ffmpeg(...large, inFolder('large.png'));
    const { shown, skipped } = await decoded(['a.png', 'large.png', 'a.png']);
    assert.deepEqual(
      shown.map(([number]) => number),
      [0, 2],
    );
    assert.match(skipped.join(), /^large\.png .* has pictures of 5000×4000, for which playback needs up to/);
  });
});
