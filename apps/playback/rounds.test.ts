import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Decoding, Outcome } from './decode.ts';
import type { Cue, TimedFrame } from './playback.ts';
import { type Repetition, rounds } from './rounds.ts';

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

async function take(source: AsyncIterable<Cue>, count: number): Promise<TimedFrame[]> {
  const frames: TimedFrame[] = [];
  for await (const frame of onlyFrames(source)) {
    frames.push(frame);
    if (frames.length === count) break;
  }
  return frames;
}

async function* onlyFrames(source: AsyncIterable<Cue>): AsyncGenerator<TimedFrame> {
  for await (const cue of source) if ('dueUs' in cue) yield cue;
}

const FIVE = [0, 10_000, 90_000, 100_000, 160_000];
const steady = (count: number) => Array.from({ length: count }, (_, n) => n * 40_000);

describe('rounds', () => {
  it("paces by the clip's own times, and by its nominal interval from the last frame to the first", async () => {
    const frames = await take(
      rounds(() => fakeDecoding(FIVE), about()),
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
      rounds(() => fakeDecoding(FIVE), about({ fps: 10 })),
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
    const frames = rounds(start, about({ durationUs: 4e6 }));
    for await (const { positionUs } of onlyFrames(frames)) {
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
    for await (const { positionUs } of onlyFrames(rounds(start, about({ durationUs: 40e6, fps: 125 })))) {
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
    for await (const _ of onlyFrames(rounds(start, about({ durationUs: undefined })))) {
      seen.push(started);
      if (seen.length === 160) break;
    }
    assert.deepEqual([seen[0], seen[99], seen[100], seen[149], seen[150]], [2, 2, 2, 2, 3]);
  });

  it('keeps a clip of a few frames and starts no decoder for it again', async () => {
    for (const count of [2, 4]) {
      let started = 0;
      let passes = 0;
      const start = () => {
        started += 1;
        return fakeDecoding(steady(count));
      };
      const frames = await take(
        rounds(start, about({ durationUs: count * 40_000, passed: () => (passes += 1) })),
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
    await take(rounds(start, about({ durationUs: 80_000 })), 20);
    assert.ok(started >= 3);
  });

  it('puts the nominal interval where timestamps stand still, go back or leap', async () => {
    const positions = [0, 0, 500_000, 100_000, 61e6 + 100_000, 61e6 + 200_000];
    const frames = await take(
      rounds(() => fakeDecoding(positions), about({ loop: false })),
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
      rounds(() => fakeDecoding(positions), about({ intervalUs: 120e6, durationUs: 480e6 })),
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
      [5, 99e6, 99e6],
      [5, 0.1e6, 0.2e6],
    ] as const) {
      const pass = FIVE.slice(0, count);
      const frames = await take(
        rounds(() => fakeDecoding(pass), about({ durationUs: endUs, endUs })),
        2 * count + 1,
      );
      assert.deepEqual(
        frames.map(frame => frame.dueUs),
        [...pass, ...pass.map(us => us + passUs), 2 * passUs],
      );
    }
  });

  it('keeps a pause that the clip means, however long', async () => {
    for (const durationUs of [200e6, undefined]) {
      const positions = [0, 40_000, 90e6, 190e6];
      const frames = await take(
        rounds(() => fakeDecoding(positions), about({ durationUs })),
        5,
      );
      assert.deepEqual(
        frames.map(frame => frame.dueUs),
        [...positions, 190_040_000],
      );
    }
  });

  it('holds the last frame of a round for PLAYBACK_DWELL, and says so', async () => {
    const cues: Cue[] = [];
    for await (const cue of rounds(() => fakeDecoding(FIVE), about({ dwellUs: 5e6 }))) {
      cues.push(cue);
      if (cues.length === 8) break;
    }
    assert.deepEqual(
      cues.map(cue => ('dueUs' in cue ? cue.dueUs : cue)),
      [...FIVE, { holdMs: 4900 }, 5_160_000, 5_170_000],
    );
  });

  it('starts the decoder of the next round late in a long hold, so that it finds the newest file', async () => {
    let started = 0;
    const start = () => {
      started += 1;
      return fakeDecoding(steady(100));
    };
    let held = false;
    for await (const cue of rounds(start, about({ durationUs: 34e6, endUs: 34e6 }))) {
      if (held) break;
      assert.equal(started, 1);
      held = 'holdMs' in cue;
      if (held) assert.deepEqual(cue, { holdMs: 28_040 });
    }
    assert.equal(started, 2);
  });

  it('keeps a short loop however many frames it has, and starts no decoder for it again', async () => {
    let started = 0;
    const start = () => {
      started += 1;
      return fakeDecoding(Array.from({ length: 60 }, (_, n) => n * 20_000));
    };
    const frames = await take(rounds(start, about({ intervalUs: 20_000, durationUs: 1.2e6 })), 600);
    assert.ok(started <= 2);
    assert.equal(frames.at(-1)?.dueUs, 599 * 20_000);
  });

  it('keeps no loop that needs more than 64 MB, and holds a single frame whatever its size', async () => {
    for (const [count, isHeld] of [
      [3, false],
      [1, true],
    ] as const) {
      let started = 0;
      const start = (): Decoding => {
        started += 1;
        return {
          outcome: 'whole',
          stop() {},
          async *[Symbol.asyncIterator]() {
            for (let n = 0; n < count; n += 1) {
              yield { message: Buffer.allocUnsafeSlow(30 * 2 ** 20), positionUs: n * 40_000 };
            }
          },
        };
      };
      let [frames, holds] = [0, 0];
      for await (const cue of rounds(start, about({ durationUs: 120_000 }))) {
        if ('dueUs' in cue) frames += 1;
        if ('holdMs' in cue) holds += 1;
        if (frames + holds === 5 * count) break;
      }
      assert.deepEqual([frames, holds], isHeld ? [1, 4] : [15, 0]);
      assert.equal(started > 2, !isHeld);
    }
  });

  it('ends with the round in which the file has become another, and says when the next frame is due', async () => {
    for (const [positions, durationUs, count] of [
      [steady(100), 4e6, 2],
      [FIVE, 200_000, 1],
    ] as const) {
      let passes = 0;
      const cues = rounds(
        () => fakeDecoding([...positions]),
        about({
          durationUs,
          fromUs: 1e6,
          dwellUs: 1.5e6,
          unchanged: async () => passes === 0,
          passed: () => (passes += 1),
        }),
      );
      let result = await cues.next();
      while (!result.done) {
        if ('holdMs' in result.value) await new Promise(resolve => setTimeout(resolve, 1010));
        result = await cues.next();
      }
      assert.equal(passes, count);
      assert.equal(result.value, 1e6 + count * (positions.at(-1)! + 1.5e6));
    }
  });

  it('does not wait for an end that a decoder did not come to', async () => {
    const frames = await take(
      rounds(() => fakeDecoding(FIVE, 'killed'), about({ endUs: 3.16e6 })),
      6,
    );
    assert.equal(frames[5]?.dueUs, 200_000);
  });

  it('ends after one pass where it is not to loop', async () => {
    const passes: number[] = [];
    const frames = await take(
      rounds(() => fakeDecoding(FIVE), about({ loop: false, passed: count => passes.push(count) })),
      99,
    );
    assert.equal(frames.length, 5);
    assert.deepEqual(passes, [5]);
  });

  it('says so when the only pass was cut short by a killed decoder', async () => {
    const frames = rounds(() => fakeDecoding(FIVE, 'killed'), about({ loop: false }));
    await assert.rejects(take(frames, 99), { code: 'decoder-failed', exitCode: 1 });
  });

  it('stops both decoders when its reader goes', async () => {
    const all: (Decoding & { stopped: boolean })[] = [];
    const start = () => {
      const decoding = fakeDecoding(FIVE);
      all.push(decoding);
      return decoding;
    };
    await take(rounds(start, about()), 2);
    assert.deepEqual(
      all.map(decoding => decoding.stopped),
      [true, true],
    );
  });
});
