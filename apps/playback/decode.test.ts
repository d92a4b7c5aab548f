import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { hangingPrograms, makeClip, temporaryFolder } from '../../tests/support/clips.ts';
import { childrenOf, isAlive } from '../../tests/support/processes.ts';
import { until } from '../../tests/support/until.ts';
import { FrameLayout, parseFrame } from '../common/frame.ts';
import { type Decoding, decode } from './decode.ts';
import { probe } from './probe.ts';
import { rounds } from './rounds.ts';

const folder = await temporaryFolder();
/** Ends whatever a failed test has left running. */
const all = new AbortController();
after(() => {
  all.abort();
  return folder[Symbol.asyncDispose]();
});
const inFolder = (name: string) => join(folder.path, name);

/** A small clip at 25 frames a second. */
const testClip = (
  path: string,
  { frames = 25, ...more }: { frames?: number; size?: string; filters?: string; output?: string[] },
) => makeClip(path, { size: '64x48', fps: 25, seconds: frames / 25, ...more });

/** Sets variables until the end of the test. */
function setEnvironment(t: TestContext, variables: Record<string, string>): void {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  t.after(() => {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });
}

interface Opened {
  decoding: Decoding;
  layout: FrameLayout;
  damage: string[];
}

async function open(
  file: string,
  signal = new AbortController().signal,
  patienceMs?: number,
): Promise<Opened> {
  const clip = await probe(file);
  const layout = new FrameLayout('i420', clip.width, clip.height);
  const damage: string[] = [];
  const decoding = decode(clip, layout.format, signal, { damaged: line => damage.push(line), patienceMs });
  return { decoding, layout, damage };
}

async function positions(decoding: Decoding): Promise<number[]> {
  const all: number[] = [];
  for await (const { positionUs } of decoding) all.push(positionUs);
  return all;
}

/** The one ffmpeg that this process has running. */
const decoderPid = () => until(() => childrenOf(process.pid, 'ffmpeg').at(-1), 'the decoder');

describe('decode', () => {
  it('gives every frame of a clip, the last one too', async () => {
    const file = inFolder('whole.mp4');
    // One frame fills less than a pipe: what ffmpeg leaves in it when it exits must not be lost.
    await testClip(file, { size: '160x120', frames: 30 });
    for (let pass = 0; pass < 3; pass += 1) {
      const { decoding, damage } = await open(file);
      assert.equal((await positions(decoding)).length, 30);
      assert.equal(decoding.outcome, 'whole');
      assert.deepEqual(damage, []);
    }
  });

  it('gives the frames that ffmpeg has left in the pipe when it is gone', async () => {
    const file = inFolder('brief.mp4');
    await testClip(file, { size: '160x120', frames: 4 });
    const { decoding } = await open(file);
    let frames = 0;
    for await (const _ of decoding) {
      frames += 1;
      if (frames === 1)
        await until(() => childrenOf(process.pid, 'ffmpeg').length === 0, 'the end of ffmpeg');
    }
    assert.equal(frames, 4);
  });

  it('tells the times of a clip of variable frame rate', async () => {
    const file = inFolder('vfr.mkv');
    const output = ['-fps_mode', 'passthrough', '-enc_time_base', '1:1000', '-c:v', 'ffv1'];
    await testClip(file, { frames: 10, filters: 'settb=1/1000,setpts=7*N*N', output });
    const { decoding } = await open(file);
    assert.deepEqual(
      await positions(decoding),
      Array.from({ length: 10 }, (_, n) => 7000 * n * n),
    );
  });

  it('keeps a pause of 90 s in a transport stream', async () => {
    const parts = await Promise.all(
      [0, 90.4].map(async offset => {
        const part = inFolder(`from-${offset}.ts`);
        const output = ['-c:v', 'libx264', '-bf', '0', '-output_ts_offset', String(offset)];
        await testClip(part, { frames: 10, output });
        return readFile(part);
      }),
    );
    const file = inFolder('pause.ts');
    await writeFile(file, Buffer.concat(parts));
    const { decoding } = await open(file);
    assert.deepEqual(
      await positions(decoding),
      Array.from({ length: 20 }, (_, n) => 40_000 * n + (n < 10 ? 0 : 90e6)),
    );
  });

  it('tells them where the environment asks ffmpeg for colour', async t => {
    setEnvironment(t, { AV_LOG_FORCE_COLOR: '1', AV_LOG_FORCE_256COLOR: '1' });
    const file = inFolder('ten.mkv');
    await testClip(file, { frames: 10, filters: 'setpts=2*PTS', output: ['-fps_mode', 'passthrough'] });
    const { decoding, damage } = await open(file);
    assert.deepEqual(
      await positions(decoding),
      Array.from({ length: 10 }, (_, n) => 80_000 * n),
    );
    assert.deepEqual(damage, []);
  });

  it('plays a raw H.264 stream, which has no timestamps, at its rate', async () => {
    const file = inFolder('raw.h264');
    await testClip(file, { frames: 10 });
    const { decoding } = await open(file);
    assert.deepEqual(
      await positions(decoding),
      Array.from({ length: 10 }, (_, n) => 40_000 * n),
    );
  });

  it('gives each picture its own size when the stream changes it', async () => {
    const sizes = ['64x48', '96x80', '50x38'];
    const parts = await Promise.all(
      sizes.map(async size => {
        const part = inFolder(`${size}.h264`);
        await testClip(part, { size, frames: 10 });
        return readFile(part);
      }),
    );
    const file = inFolder('changing.h264');
    await writeFile(file, Buffer.concat(parts));
    const { decoding, damage } = await open(file);
    const seen: string[] = [];
    for await (const { message } of decoding) {
      const frame = parseFrame(message);
      seen.push(frame.ok ? `${frame.width}x${frame.height}` : frame.reason);
    }
    assert.deepEqual(
      seen,
      sizes.flatMap(size => Array(10).fill(size)),
    );
    assert.deepEqual(damage, []);
  });

  it('plays a clip that is a single picture', async () => {
    const file = inFolder('still.mp4');
    await testClip(file, { frames: 1 });
    const { decoding } = await open(file);
    assert.deepEqual(await positions(decoding), [0]);
    assert.equal(decoding.outcome, 'whole');
  });

  it('has its first frame ready before anybody asks, so that a clip repeats without a gap', async () => {
    const file = inFolder('gapless.mp4');
    await testClip(file, { frames: 75 });
    const clip = await probe(file);
    const layout = new FrameLayout('i420', clip.width, clip.height);
    const stop = new AbortController();
    const readies: Promise<unknown>[] = [];
    /** A decoder whose first frame is awaited from the outside while nobody reads it. */
    const start = (): Decoding => {
      const decoding = decode(clip, layout.format, stop.signal, { damaged() {} });
      const frames = decoding[Symbol.asyncIterator]();
      const first = frames.next();
      readies.push(first);
      return {
        stop: decoding.stop,
        get outcome() {
          return decoding.outcome;
        },
        async *[Symbol.asyncIterator]() {
          for (let { value, done } = await first; !done; { value, done } = await frames.next()) yield value;
        },
      };
    };
    const repetition = {
      loop: true,
      fps: undefined,
      intervalUs: clip.intervalUs,
      durationUs: clip.durationUs,
    };
    let frames = 0;
    let nextReadyAt: number | undefined;
    let lastDueUs = -40_000;
    for await (const cue of rounds(start, { ...repetition, passed() {} })) {
      assert.ok('dueUs' in cue);
      const { dueUs } = cue;
      assert.equal(dueUs - lastDueUs, 40_000, 'frames are a frame apart, across the end of the clip too');
      lastDueUs = dueUs;
      frames += 1;
      if (readies.length === 2 && nextReadyAt === undefined) {
        // No frame is taken from the decoder that plays, and still the next one gets ready.
        await readies[1];
        nextReadyAt = frames;
      }
      if (frames === 120) break;
    }
    assert.ok(nextReadyAt !== undefined && nextReadyAt <= 75 - 49, `ready at frame ${nextReadyAt}`);
  });

  it('goes on past a damaged part and counts it', async () => {
    const file = inFolder('damaged.mp4');
    await testClip(file, { size: '320x240', frames: 50, output: ['-c:v', 'libx264', '-g', '10'] });
    const bytes = await readFile(file);
    const data = bytes.indexOf('mdat');
    bytes.fill(0xa5, data + 5000, data + 8000);
    await writeFile(file, bytes);
    const { decoding, damage } = await open(file);
    const frames = (await positions(decoding)).length;
    assert.ok(frames > 25, `${frames} frames`);
    assert.ok(damage.length > 0);
  });

  it('plays what is there of a truncated clip', async () => {
    const whole = inFolder('front.mp4');
    await testClip(whole, {
      size: '320x240',
      frames: 50,
      output: ['-c:v', 'libx264', '-movflags', 'faststart'],
    });
    const bytes = await readFile(whole);
    const file = inFolder('truncated.mp4');
    await writeFile(file, bytes.subarray(0, bytes.length * 0.6));
    const { decoding, damage } = await open(file);
    const frames = (await positions(decoding)).length;
    assert.ok(frames > 5 && frames < 50, `${frames} frames`);
    assert.ok(damage.length > 0);
  });

  it('holds back the decoder while frames are not taken, and ends it when told', async () => {
    const file = inFolder('long.mp4');
    await testClip(file, { size: '320x240', frames: 250 });
    const stop = new AbortController();
    const { decoding } = await open(file, stop.signal);
    const frames = decoding[Symbol.asyncIterator]();
    assert.equal((await frames.next()).done, false);
    const pid = await decoderPid();
    stop.abort();
    assert.equal((await frames.next()).done, true);
    await until(() => !isAlive(pid), 'the end of the decoder');
  });

  it('starts no decoder that outlives a signal given before it has started', async () => {
    const { decoding } = await open(inFolder('long.mp4'), AbortSignal.abort());
    assert.deepEqual(await positions(decoding), []);
    await until(() => childrenOf(process.pid, 'ffmpeg').length === 0, 'the end of the decoder');
  });

  it('tells a decoder that was killed from a clip that ended', async () => {
    const { decoding } = await open(inFolder('long.mp4'));
    let frames = 0;
    for await (const _ of decoding) {
      frames += 1;
      if (frames === 1) process.kill(await decoderPid(), 'SIGKILL');
    }
    assert.ok(frames < 250);
    assert.equal(decoding.outcome, 'killed');
  });

  it('gives up a decoder that hangs', async () => {
    const { decoding } = await open(inFolder('long.mp4'), undefined, 1500);
    let pid = 0;
    await assert.rejects(
      async () => {
        for await (const _ of decoding) {
          if (pid !== 0) continue;
          pid = await decoderPid();
          process.kill(pid, 'SIGSTOP');
        }
      },
      { code: 'decoder-failed', message: /gave no frame of DATA_FILE .*long\.mp4 for 1.5 s/ },
    );
    await until(() => !isAlive(pid), 'the end of the decoder');
  });

  it('says so when a clip has nothing that decodes', async () => {
    const file = inFolder('noise.mp4');
    await copyFile(inFolder('whole.mp4'), file);
    const clip = await probe(file);
    await writeFile(file, Buffer.alloc(10_000, 1));
    const layout = new FrameLayout('i420', clip.width, clip.height);
    const decoding = decode(clip, layout.format, new AbortController().signal, { damaged() {} });
    await assert.rejects(positions(decoding), { code: 'bad-clip', message: /has no frame that decodes/ });
  });
});

describe('probe', () => {
  it('finds no duration where the stream has none', async () => {
    assert.equal((await probe(inFolder('raw.h264'))).durationUs, undefined);
  });

  it('gives up soon on a decoder that writes bytes and logs no picture', async t => {
    const file = await testClip(inFolder('unlogged.mp4'), {});
    const bin = inFolder('garbage');
    await mkdir(bin);
    await writeFile(join(bin, 'ffmpeg'), '#!/bin/sh\nhead -c 300000 /dev/zero\nexit 1\n', { mode: 0o755 });
    const clip = await probe(file);
    setEnvironment(t, { PATH: `${bin}:${process.env['PATH']}` });
    const signal = AbortSignal.timeout(15_000);
    const garbage = decode(clip, 'i420', signal, { damaged() {} });
    await assert.rejects(positions(garbage), { code: 'decoder-failed', message: /no picture of DATA_FILE/ });
    assert.ok(!signal.aborted, 'it waited');
  });

  it('is bounded in time and leaves no ffprobe behind', async t => {
    const bin = inFolder('hanging');
    await hangingPrograms(bin, 'ffprobe');
    setEnvironment(t, { PATH: `${bin}:${process.env['PATH']}` });
    await assert.rejects(probe(inFolder('whole.mp4'), undefined, 300), {
      code: 'decoder-failed',
      message: /ffprobe was killed \(SIGKILL\) within 0.3 s .*whole\.mp4/,
    });
    await until(() => childrenOf(process.pid, 'sleep').length === 0, 'the end of ffprobe');
  });

  it('gives its reason without colour', async t => {
    setEnvironment(t, { AV_LOG_FORCE_COLOR: '1' });
    const file = inFolder('text.mp4');
    await writeFile(file, 'This is no video.');
    await assert.rejects(probe(file), { code: 'bad-clip', message: /reads \(\w[\w ]+\); / });
  });
});
