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

interface Format {
  output: string[];
  pixelFormat?: string;
  size?: string;
  /** If its pixels are not square. */
  shown?: string;
  /** It is not in the image, whose ffmpeg has only what is listed for it. */
  isElsewhere?: true;
}

const X265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none'];
const AV1 = ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime'];
/** As docs/plays.md lists them. */
const PROMISED: Record<string, Format> = {
  'clip.mp4': { output: ['-c:v', 'libx264'] },
  'clip.mov': { output: ['-c:v', 'prores_ks'], pixelFormat: 'yuv422p10le' },
  'clip.mkv': { output: X265 },
  'clip.webm': { output: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime'] },
  'clip.avi': { output: ['-c:v', 'mpeg4'] },
  'clip.ts': { output: ['-c:v', 'mpeg2video'] },
  'clip.mpg': { output: ['-c:v', 'mpeg1video'] },
  'clip.gif': { output: ['-c:v', 'gif'], pixelFormat: 'rgb8' },
  'clip.apng': { output: ['-c:v', 'apng'], pixelFormat: 'rgb24' },
  'clip.ivf': { output: ['-c:v', 'libvpx', '-deadline', 'realtime'] },
  'clip.y4m': { output: [] },
  'clip.h264': { output: ['-c:v', 'libx264'] },
  'clip.hevc': { output: X265 },
  'clip.obu': { output: AV1 },
  'clip.m1v': { output: ['-c:v', 'mpeg1video'] },
  'clip.m2v': { output: ['-c:v', 'mpeg2video'] },
  'clip.m4v': { output: ['-c:v', 'mpeg4', '-f', 'm4v'] },
  'clip.mjpeg': { output: ['-c:v', 'mjpeg', '-f', 'mjpeg'] },
  'clip.ogv': { output: ['-c:v', 'libtheora'], isElsewhere: true },
  'clip.flv': { output: ['-c:v', 'flv1'], isElsewhere: true },
  'clip.asf': { output: ['-c:v', 'wmv2'], isElsewhere: true },
  'clip.mxf': { output: ['-c:v', 'mpeg2video'], isElsewhere: true },
  'clip.nut': { output: ['-c:v', 'ffv1'], isElsewhere: true },
  'clip.dv': { output: ['-c:v', 'dvvideo'], size: '720x576', shown: '768x576', isElsewhere: true },
  'clip.h261': { output: ['-c:v', 'h261'], size: '176x144', isElsewhere: true },
  'clip.h263': { output: ['-c:v', 'h263'], size: '176x144', shown: '192x144', isElsewhere: true },
};
/** Set by `npm run test:image-ffmpeg`. */
const isOfImage = process.env['PLAYED_BY'] === 'image';

describe('every container and bare stream that is promised plays', { concurrency: 2 }, () => {
  for (const [name, format] of Object.entries(PROMISED)) {
    const { output, pixelFormat = 'yuv420p', size = '96x64', shown = size, isElsewhere } = format;
    it(isOfImage && isElsewhere ? `but for ${name}, which the image refuses` : name, async () => {
      const file = inFolder(name);
      const source = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25`, '-frames:v', '5'];
      await ffmpeg(...source, '-pix_fmt', pixelFormat, ...output, file);
      if (isOfImage && isElsewhere) await assert.rejects(framesOf(file), { code: 'bad-clip' });
      else assert.deepEqual(await framesOf(file), Array(5).fill(shown));
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
