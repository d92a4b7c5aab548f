import assert from 'node:assert/strict';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ffmpeg, temporaryFolder } from '../../tests/support/clips.ts';
import type { SourceConfig } from './config.ts';
import { FileVersion } from './file-version.ts';
import { sourceOpener } from './open-source.ts';

const temporary = await temporaryFolder();
after(() => temporary[Symbol.asyncDispose]());

describe('a folder', () => {
  // PNGs were once added to those before them.
  for (const [kind, ...options] of [
    ['png', '-pix_fmt', 'rgb24'],
    ['png', '-pix_fmt', 'rgba'],
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
      const config = {
        DATA_FILE: path,
        WIRE_FORMAT: 'i420',
        PLAYBACK_LOOP: false,
        PLAYBACK_DWELL: 0,
      } as SourceConfig;
      const events = { damaged() {}, passed() {}, odd: assert.fail };
      const open = sourceOpener(config, new FileVersion(path), events, new AbortController().signal);
      const seen: number[] = [];
      for await (const cue of (await open()).cues(0)) {
        if ('message' in cue) seen.push(cue.message[16 + 24 * 64 + 32]!);
      }
      assert.equal(seen.length, shades.length);
      // A palette has the nearest one.
      for (const [number, shade] of seen.entries())
        assert.ok(Math.abs(shade - shades[number]!) <= 12, seen.join());
    });
  }
});
