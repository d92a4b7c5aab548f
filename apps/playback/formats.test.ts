import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ffmpeg, temporaryFolder } from '../../tests/support/clips.ts';
import { parseFrame } from '../common/frame.ts';
import { decode } from './decode.ts';
import { probe } from './probe.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);

async function framesOf(file: string): Promise<string[]> {
  const clip = await probe(file);
  const sizes: string[] = [];
  for await (const { message } of decode(clip, 'i420', new AbortController().signal, { damaged() {} })) {
    const frame = parseFrame(message);
    if (frame.ok) sizes.push(`${frame.width}x${frame.height}`);
  }
  return sizes;
}

describe('every container and bare stream that is promised plays', { concurrency: 2 }, () => {
  for (const [name, ...output] of [
    ['clip.mp4', '-c:v', 'libx264'],
    ['clip.mov', '-c:v', 'prores_ks'],
    ['clip.mkv', '-c:v', 'libx265', '-x265-params', 'log-level=none'],
    ['clip.webm', '-c:v', 'libvpx-vp9', '-deadline', 'realtime'],
    ['clip.avi', '-c:v', 'mpeg4'],
    ['clip.ts', '-c:v', 'mpeg2video'],
    ['clip.mpg', '-c:v', 'mpeg1video'],
    ['clip.gif', '-c:v', 'gif'],
    ['clip.apng', '-c:v', 'apng'],
    ['clip.ogv', '-c:v', 'libtheora'],
    ['clip.flv', '-c:v', 'flv1'],
    ['clip.asf', '-c:v', 'wmv2'],
    ['clip.mxf', '-c:v', 'mpeg2video'],
    ['clip.nut', '-c:v', 'ffv1'],
    ['clip.ivf', '-c:v', 'libvpx', '-deadline', 'realtime'],
    ['clip.y4m', '-pix_fmt', 'yuv420p'],
    ['clip.h264', '-c:v', 'libx264'],
    ['clip.hevc', '-c:v', 'libx265', '-x265-params', 'log-level=none'],
    ['clip.m2v', '-c:v', 'mpeg2video'],
    ['clip.mjpeg', '-c:v', 'mjpeg', '-f', 'mjpeg'],
  ] as const) {
    it(name, async () => {
      const file = inFolder(name);
      await ffmpeg(
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=96x64:rate=25',
        '-frames:v',
        '5',
        '-pix_fmt',
        name === 'clip.gif'
          ? 'rgb8'
          : name === 'clip.mov'
            ? 'yuv422p10le'
            : name === 'clip.apng'
              ? 'rgb24'
              : 'yuv420p',
        ...output,
        file,
      );
      assert.deepEqual(await framesOf(file), Array(5).fill('96x64'));
    });
  }

  it('bare MJPEG of large pictures, whatever its name', async () => {
    for (const name of ['large.mjpeg', 'large.mjpg', 'large']) {
      const source = 'testsrc2=size=1280x720:rate=25,noise=alls=60';
      await ffmpeg(
        '-f',
        'lavfi',
        '-i',
        source,
        '-frames:v',
        '3',
        '-c:v',
        'mjpeg',
        '-q:v',
        '2',
        '-f',
        'mjpeg',
        inFolder(name),
      );
      assert.deepEqual(await framesOf(inFolder(name)), Array(3).fill('1280x720'));
    }
  });
});

describe('a stream that begins in the middle', () => {
  const PACKET = 188;

  it('plays from its next key frame, and is refused by its true name where none comes', async () => {
    const whole = inFolder('whole.ts');
    // Some 100 kB a frame: the next key frame is further off than ffmpeg looks by itself.
    const source = 'testsrc2=size=320x240:rate=25,noise=alls=100:allf=t';
    const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '4', '-g', '60', '-bf', '0'];
    await ffmpeg('-f', 'lavfi', '-i', source, '-frames:v', '65', ...encoder, whole);
    const bytes = await readFile(whole);
    assert.ok(bytes.length > 6e6, `${bytes.length} bytes`);
    const packets = (from: number, to: number) => bytes.subarray(from * PACKET, to * PACKET);
    const start = Math.floor(300_000 / PACKET);
    // The tables that name the streams, then what a recorder caught.
    const middle = Buffer.concat([packets(0, 3), packets(start, bytes.length / PACKET)]);
    await writeFile(inFolder('middle.ts'), middle);
    assert.deepEqual(await framesOf(inFolder('middle.ts')), Array(5).fill('320x240'));

    await writeFile(inFolder('no-key.ts'), middle.subarray(0, 200 * PACKET));
    await assert.rejects(probe(inFolder('no-key.ts')), {
      code: 'bad-clip',
      message: /begins in the middle of a recording and has no key frame in its first 200 MB; cut it/,
    });
  });
});
