import assert from 'node:assert/strict';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ffmpeg, temporaryFolder } from '../../tests/support/clips.ts';
import type { SourceConfig } from './config.ts';
import { FileVersion } from './file-version.ts';
import { sourceOpener } from './open-source.ts';
import { PictureList } from './picture-list.ts';
import type { Cue } from './playback.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);

const never = new AbortController().signal;

/** Opens a still and returns its cues; nobody waits on the way, so that many looks at the file take a moment. */
async function cuesOf(path: string): Promise<AsyncGenerator<Cue>> {
  const config = { DATA_FILE: path, WIRE_FORMAT: 'i420' } as SourceConfig;
  const events = { damaged() {}, passed() {}, odd() {}, leftOut() {} };
  return (await sourceOpener(config, new FileVersion(path), events, never)()).cues(0);
}

/** Returns the width of the next picture, or why there is none, if it comes within some looks at the file. */
async function within(cues: AsyncGenerator<Cue>, looks: number): Promise<number | string | undefined> {
  try {
    for (let look = 0; look < looks; look += 1) {
      const { value } = await cues.next();
      if (value && 'message' in value) return Number(value.message.readBigUInt64BE(0));
    }
    return undefined;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

const half = (whole: Buffer) => whole.length >> 1;
/** How a writer may leave a picture for a while. */
const STATES: Record<string, (whole: Buffer) => Buffer> = {
  'cut in half': whole => whole.subarray(0, half(whole)),
  'cut before its last byte': whole => whole.subarray(0, -1),
  // What copies onto a share reserves the whole length.
  'half zeros': whole =>
    Buffer.concat([whole.subarray(0, half(whole)), Buffer.alloc(whole.length - half(whole))]),
};
const KINDS: [name: string, ...options: string[]][] = [
  ['a.jpg'],
  ['a.png'],
  ['a.webp', '-c:v', 'libwebp'],
  ['lossless.webp', '-c:v', 'libwebp', '-lossless', '1'],
  // Its directory is at its end.
  ['a.tiff'],
  ['a.gif'],
  ['a.bmp'],
];
/** Zeros are black there. */
const BARE = ['a.tiff', 'a.bmp'];

describe('a picture that is only half written', { concurrency: 2 }, () => {
  for (const [name, ...options] of KINDS) {
    it(`is not shown as a still, nor in a folder, and the whole one is: ${name}`, async () => {
      const make = (size: string, path: string) =>
        ffmpeg('-f', 'lavfi', '-i', `testsrc2=s=${size}`, '-frames:v', '1', ...options, path);
      const [still, next] = [inFolder(name), inFolder(`next-${name}`)];
      await Promise.all([make('64x48', still), make('80x60', next)]);
      const whole = await readFile(next);
      const cues = await cuesOf(still);
      assert.equal(await within(cues, 1), 64);
      for (const [state, write] of Object.entries(STATES)) {
        if (BARE.includes(name) && state === 'half zeros') continue;
        await writeFile(still, write(whole));
        assert.equal(await within(cues, 8), undefined, state);
      }
      const skipped: string[] = [];
      await writeFile(still, whole.subarray(0, -1));
      const list = new PictureList(
        [next, still],
        ({ kind }) => kind,
        (path, why) => skipped.push(`${path} ${why}`),
      );
      assert.equal((await list.read(0))?.width, 80);
      assert.equal(await list.read(1), undefined);
      assert.ok(skipped[0]?.startsWith(`${still} is only half there, as a `), skipped[0]);
      await writeFile(still, whole);
      assert.equal(await within(cues, 8), 80);
    });
  }

  it('is not shown while it is written slowly in its place', async () => {
    const still = inFolder('slow.png');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=80x60', '-frames:v', '1', still);
    const whole = await readFile(still);
    const cues = await cuesOf(still);
    assert.equal(await within(cues, 1), 80);
    await using file = await open(still, 'w');
    for (let at = 0; at < whole.length - 1; at += whole.length >> 2) {
      await file.write(whole, at, Math.min(whole.length >> 2, whole.length - 1 - at), at);
      assert.equal(await within(cues, 6), undefined);
    }
    // Many looks: for two seconds it may still be written.
    assert.match(
      String(await within(cues, 1e6)),
      /slow\.png is only half there, as a PNG; set it to a whole/,
    );
  });
});
