import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ffmpeg, temporaryFolder } from '../../tests/support/clips.ts';
import type { SourceConfig } from './config.ts';
import { FileVersion } from './file-version.ts';
import { OddNames } from './folder-source.ts';
import { ImageFolder } from './image-folder.ts';
import { sourceOpener } from './open-source.ts';

const temporary = await temporaryFolder();
after(() => temporary[Symbol.asyncDispose]());

/** Returns the messages of one round over a folder. */
async function shown(path: string): Promise<Buffer[]> {
  const config = {
    DATA_FILE: path,
    WIRE_FORMAT: 'i420',
    PLAYBACK_LOOP: false,
    PLAYBACK_DWELL: 0,
  } as SourceConfig;
  const events = { damaged() {}, passed() {}, odd: assert.fail, leftOut: assert.fail };
  const open = sourceOpener(config, new FileVersion(path), events, new AbortController().signal);
  const messages: Buffer[] = [];
  for await (const cue of (await open()).cues(0)) if ('message' in cue) messages.push(cue.message);
  return messages;
}

describe('a folder', { concurrency: 2 }, () => {
  // PNGs were once added to those before them.
  for (const [kind, ...options] of [
    ['png', '-pix_fmt', 'rgb24'],
    ['png', '-pix_fmt', 'gray16be'],
    ['png', '-pix_fmt', 'pal8'],
    ['jpg'],
    ['webp', '-c:v', 'libwebp', '-lossless', '1'],
    ['tiff'],
    ['gif'],
    ['bmp'],
  ] as const) {
    it(`shows each picture as it is, whatever came before it: ${kind} ${options.join(' ')}`, async () => {
      const path = join(temporary.path, `${kind}${options.join('')}`);
      await mkdir(path);
      const shades = [60, 60, 200];
      for (const [number, shade] of shades.slice(1).entries()) {
        const hex = shade.toString(16);
        const source = ['-f', 'lavfi', '-i', `color=0x${hex}${hex}${hex}:s=64x48`, '-frames:v', '1'];
        await ffmpeg(...source, '-update', '1', ...options, join(path, `${number + 1}.${kind}`));
      }
      await copyFile(join(path, `1.${kind}`), join(path, `0.${kind}`));
      const seen = (await shown(path)).map(message => message[16 + 24 * 64 + 32]!);
      assert.equal(seen.length, shades.length);
      // A palette has the nearest one.
      for (const [number, shade] of seen.entries())
        assert.ok(Math.abs(shade - shades[number]!) <= 12, seen.join());
    });
  }

  it('plays pictures of any name, and names none that it leaves out for it', async () => {
    const path = join(temporary.path, 'names');
    await mkdir(path);
    const picture = join(temporary.path, 'one.png');
    await ffmpeg('-f', 'lavfi', '-i', 'color=red:s=64x48', '-frames:v', '1', picture);
    const names = [
      '-i.png',
      'a%03d.png',
      'a:b.png',
      "it's [x]*.png",
      'new\nline.png',
      'pipe:0.png',
      'q"|;.png',
    ];
    for (const name of names) await copyFile(picture, join(path, name));
    assert.equal((await shown(path)).length, names.length);
  });

  it('is listed anew where a link leads to another one of the same time', async () => {
    const [link, time] = [join(temporary.path, 'link'), new Date('2021-10-27T12:00:00Z')];
    for (const name of ['first', 'second']) {
      const path = join(temporary.path, name);
      await mkdir(path);
      await writeFile(join(path, `${name}.png`), '');
      await utimes(path, time, time);
    }
    await symlink('first', link);
    const folder = new ImageFolder(link, 10, undefined);
    const names = async () => (await folder.newest()).map(({ name }) => name);
    assert.deepEqual(await names(), ['first.png']);
    await rm(link);
    await symlink('second', link);
    assert.deepEqual(await names(), ['second.png']);
  });

  it('names at most a thousand pictures that it leaves out, and not all again in each round', () => {
    const odd: string[] = [];
    const names = new OddNames({ odd: sentence => odd.push(sentence), leftOut() {} });
    const round = (first: number, count: number) => {
      names.begin();
      for (let i = first; i < first + count; i += 1) names.report(`/clips/${i}.png`, `${i}.png is none`);
      return odd.splice(0).length;
    };
    assert.deepEqual([round(0, 1500), round(0, 1500), round(0, 1500)], [1001, 0, 0]);
    assert.deepEqual([round(5000, 2), round(5000, 2), round(5000, 2)], [0, 2, 0], 'others have made room');
  });

  it('names a picture that it leaves out once, however often it is opened anew for others that join', async () => {
    const path = join(temporary.path, 'joined');
    await mkdir(path);
    const picture = join(temporary.path, 'joining.png');
    await ffmpeg('-f', 'lavfi', '-i', 'color=red:s=64x48', '-frames:v', '1', picture);
    await copyFile(picture, join(path, '1.png'));
    await writeFile(join(path, '2.png'), (await readFile(picture)).subarray(0, 60));
    const odd: string[] = [];
    const config = { DATA_FILE: path, WIRE_FORMAT: 'i420', PLAYBACK_DWELL: 0 } as SourceConfig;
    let leftOut = 0;
    const events = {
      damaged() {},
      passed() {},
      odd: (sentence: string) => odd.push(sentence),
      leftOut() {
        leftOut += 1;
      },
    };
    const open = sourceOpener(config, new FileVersion(path), events, new AbortController().signal);
    for (const joins of ['3.png', '4.png']) {
      let shown = 0;
      for await (const cue of (await open()).cues(0)) shown += Number('message' in cue);
      assert.equal(shown, joins === '3.png' ? 1 : 2);
      await copyFile(picture, join(path, joins));
    }
    assert.deepEqual(odd, ['2.png is only half there, as a PNG: it is left out']);
    assert.equal(leftOut, 2, 'counted each time');
  });
});
