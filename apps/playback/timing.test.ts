import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ffmpeg, temporaryFolder } from '../../tests/support/clips.ts';
import { probe } from './probe.ts';
import { withMeasuredTiming } from './timing.ts';

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

async function timingOf(name: string, fps: number, ...output: string[]) {
  const file = join(folder.path, name);
  await ffmpeg('-f', 'lavfi', '-i', `testsrc2=s=64x48:r=${fps}`, ...output, file);
  return await withMeasuredTiming(await probe(file));
}

describe('withMeasuredTiming', () => {
  it('measures the rate where the container invented one', async () => {
    const file = join(folder.path, 'recording.mkv');
    // Times in milliseconds, with jitter and a long pause.
    const times = "select='not(mod(n,40))',setpts=PTS+(mod(N\\,3)+5000*gt(N\\,30))/1000/TB";
    const source = ['-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=1000', '-vf', times, '-frames:v', '50'];
    await ffmpeg(...source, '-fps_mode', 'passthrough', '-c:v', 'libx264', file);
    // What ffprobe makes of it differs from version to version; this is what it makes of a browser's recording.
    const { intervalUs } = await withMeasuredTiming({ ...(await probe(file)), intervalUs: 1000 });
    assert.ok(Math.abs(intervalUs - 40_000) < 500, `${intervalUs}`);
  });

  it('believes a camera of 240 frames a second', async () => {
    const { intervalUs } = await timingOf('fast.mp4', 240, '-frames:v', '100', '-c:v', 'libx264');
    assert.ok(Math.abs(intervalUs - 1e6 / 240) < 100, `${intervalUs}`);
  });

  it('gives the only frame of a recording a second, or the time that it has', async () => {
    for (const name of ['one.webm', 'one.mkv', 'one.mp4']) {
      const codec = name.endsWith('webm') ? 'libvpx' : 'libx264';
      assert.equal((await timingOf(name, 1000, '-frames:v', '1', '-c:v', codec)).intervalUs, 1e6);
    }
    assert.equal((await timingOf('five.mp4', 0.2, '-frames:v', '1', '-c:v', 'libx264')).intervalUs, 5e6);
  });

  it('finds the end of an animation, and its rate without the hold on the last frame', async () => {
    const apng = await timingOf('a.apng', 10, '-t', '2', '-plays', '0', '-final_delay', '3');
    const gif = await timingOf('a.gif', 10, '-t', '2', '-final_delay', '300');
    for (const { intervalUs, endUs } of [apng, gif]) {
      assert.ok(Math.abs(intervalUs - 100_000) < 1, `${intervalUs}`);
      assert.ok(endUs !== undefined && Math.abs(endUs - 4.9e6) < 1, `${endUs}`);
    }
  });

  it('leaves an ordinary clip as it is', async () => {
    const file = join(folder.path, 'ordinary.mp4');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x48:r=30', '-t', '1', '-c:v', 'libx264', file);
    const clip = await probe(file);
    assert.equal(await withMeasuredTiming(clip), clip);
  });
});
