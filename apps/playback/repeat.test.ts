import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Decoding, Outcome } from './decode.ts';
import { type Repetition, repeat, type TimedFrame } from './repeat.ts';

/** A decoder that gives frames at these positions, and says when it is started and stopped. */
function fakeDecoding(positions: number[], outcome: Outcome = 'whole'): Decoding & { stopped: boolean } {
  return {
    outcome,
    stopped: false,
    stop() {
      this.stopped = true;
    },
    async *[Symbol.asyncIterator]() {
      for (const positionUs of positions) yield { message: Buffer.of(positionUs % 256), positionUs };
    },
  };
}

const about = (more: Partial<Repetition> = {}): Repetition => ({
  loop: true,
  fps: undefined,
  intervalUs: 40_000,
  durationUs: 200_000,
  passed() {},
  ...more,
});

async function take(source: AsyncIterable<TimedFrame>, count: number): Promise<TimedFrame[]> {
  const frames: TimedFrame[] = [];
  for await (const frame of source) {
    frames.push(frame);
    if (frames.length === count) break;
  }
  return frames;
}

const FIVE = [0, 10_000, 90_000, 100_000, 160_000];
const steady = (count: number) => Array.from({ length: count }, (_, n) => n * 40_000);

describe('repeat', () => {
  it("paces by the clip's own times, and by its nominal interval from the last frame to the first", async () => {
    const frames = await take(
      repeat(() => fakeDecoding(FIVE), about()),
      11,
    );
    assert.deepEqual(
      frames.map(frame => frame.dueUs),
      [...FIVE, ...FIVE.map(us => us + 200_000), 400_000],
    );
    assert.deepEqual(
      frames.map(frame => frame.positionUs),
      [...FIVE, ...FIVE, 0],
    );
  });

  it('paces by PLAYBACK_FPS where that is set', async () => {
    const frames = await take(
      repeat(() => fakeDecoding(FIVE), about({ fps: 10 })),
      11,
    );
    assert.deepEqual(
      frames.map(frame => frame.dueUs),
      Array.from({ length: 11 }, (_, n) => n * 100_000),
    );
  });

  it('starts the next decoder two seconds before the last frame is due', async () => {
    let started = 0;
    const start = () => {
      started += 1;
      return fakeDecoding(steady(100));
    };
    const frames = repeat(start, about({ durationUs: 4e6 }));
    for await (const { positionUs } of frames) {
      assert.equal(started, positionUs < 2e6 ? 1 : 2);
      if (positionUs === 3.96e6) break;
    }
  });

  it('starts it two seconds by the clock, however fast PLAYBACK_FPS plays the clip', async () => {
    let started = 0;
    const start = () => {
      started += 1;
      return fakeDecoding(steady(1000));
    };
    // Five times its own rate: 10 s of the clip pass in two.
    for await (const { positionUs } of repeat(start, about({ durationUs: 40e6, fps: 125 }))) {
      assert.equal(started, positionUs < 30e6 ? 1 : 2);
      if (positionUs === 39.96e6) break;
    }
  });

  it('starts the next decoder at once where the duration is not known, and measures it', async () => {
    let started = 0;
    const start = () => {
      started += 1;
      return fakeDecoding(steady(100));
    };
    const seen: number[] = [];
    for await (const _ of repeat(start, about({ durationUs: undefined }))) {
      seen.push(started);
      if (seen.length === 160) break;
    }
    assert.deepEqual([seen[0], seen[99], seen[100], seen[149], seen[150]], [2, 2, 2, 2, 3]);
  });

  it('keeps a clip of a few frames and starts no decoder for it again', async () => {
    for (const count of [1, 4]) {
      let started = 0;
      let passes = 0;
      const start = () => {
        started += 1;
        return fakeDecoding(steady(count));
      };
      const frames = await take(
        repeat(start, about({ durationUs: count * 40_000, passed: () => (passes += 1) })),
        40 * count,
      );
      assert.ok(started <= 2);
      assert.equal(passes, 39);
      assert.deepEqual(
        frames.map(frame => frame.dueUs),
        steady(40 * count),
      );
      assert.equal(new Set(frames.map(frame => frame.message)).size, 40 * count, 'each message is sent once');
    }
  });

  it('decodes a short clip anew where it did not decode whole', async () => {
    const outcomes: Outcome[] = ['killed', 'damaged', 'whole'];
    let started = 0;
    const start = () => fakeDecoding(steady(2), outcomes[started++] ?? 'whole');
    await take(repeat(start, about({ durationUs: 80_000 })), 20);
    assert.ok(started >= 3);
  });

  it('puts the nominal interval where timestamps stand still, go back or leap', async () => {
    const positions = [0, 0, 500_000, 100_000, 61e6 + 100_000, 61e6 + 200_000];
    const frames = await take(
      repeat(() => fakeDecoding(positions), about({ loop: false })),
      99,
    );
    assert.deepEqual(
      frames.map(frame => frame.dueUs),
      [0, 40_000, 540_000, 580_000, 620_000, 720_000],
    );
  });

  it('takes steps of minutes where the clip has such a rate', async () => {
    const positions = [0, 120e6, 360e6];
    const frames = await take(
      repeat(() => fakeDecoding(positions), about({ intervalUs: 120e6, durationUs: 480e6 })),
      4,
    );
    assert.deepEqual(
      frames.map(frame => frame.dueUs),
      [...positions, 480e6],
    );
  });

  it('lets the last frame stand until the end where that is known and makes sense', async () => {
    for (const [count, endUs, passUs] of [
      [5, 3.16e6, 3.16e6],
      [2, 3.01e6, 3.01e6],
      [5, 0.16e6, 0.2e6],
      [5, 99e6, 0.2e6],
    ] as const) {
      const pass = FIVE.slice(0, count);
      const frames = await take(
        repeat(() => fakeDecoding(pass), about({ durationUs: endUs, endUs })),
        2 * count + 1,
      );
      assert.deepEqual(
        frames.map(frame => frame.dueUs),
        [...pass, ...pass.map(us => us + passUs), 2 * passUs],
      );
    }
  });

  it('does not wait for an end that a decoder did not come to', async () => {
    const frames = await take(
      repeat(() => fakeDecoding(FIVE, 'killed'), about({ endUs: 3.16e6 })),
      6,
    );
    assert.equal(frames[5]?.dueUs, 200_000);
  });

  it('ends after one pass where it is not to loop', async () => {
    const passes: number[] = [];
    const frames = await take(
      repeat(() => fakeDecoding(FIVE), about({ loop: false, passed: count => passes.push(count) })),
      99,
    );
    assert.equal(frames.length, 5);
    assert.deepEqual(passes, [5]);
  });

  it('says so when the only pass was cut short by a killed decoder', async () => {
    const frames = repeat(() => fakeDecoding(FIVE, 'killed'), about({ loop: false }));
    await assert.rejects(take(frames, 99), { code: 'decoder-failed', exitCode: 1 });
  });

  it('stops both decoders when its reader goes', async () => {
    const all: (Decoding & { stopped: boolean })[] = [];
    const start = () => {
      const decoding = fakeDecoding(FIVE);
      all.push(decoding);
      return decoding;
    };
    await take(repeat(start, about()), 2);
    assert.deepEqual(
      all.map(decoding => decoding.stopped),
      [true, true],
    );
  });
});
