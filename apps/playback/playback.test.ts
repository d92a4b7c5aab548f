import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Frame, FrameLayout, parseFrame } from '../common/frame.ts';
import { type Clock, type Cue, type PlaybackEvents, play, type TimedFrame } from './playback.ts';

const layout = new FrameLayout('bgr24', 2, 2);

/** Time that passes only while somebody sleeps, and then a little too long, as timers do. */
class FakeClock implements Clock {
  ms = 1000;
  nowMs() {
    return this.ms;
  }
  async sleep(ms: number) {
    this.ms += ms + ((this.ms * 7919) % 3);
  }
}

async function* framesAt(dues: Iterable<number>, before: (dueUs: number) => void = () => {}) {
  for (const dueUs of dues) {
    before(dueUs);
    yield { message: layout.allocate(), positionUs: dueUs, dueUs } satisfies TimedFrame;
  }
}

async function played(source: AsyncIterable<Cue>, clock: FakeClock, more: Partial<PlaybackEvents> = {}) {
  return (await everything(source, clock, more)).filter(({ frame }) => !frame.repeat);
}

/** The repeats too. */
async function everything(source: AsyncIterable<Cue>, clock: FakeClock, more: Partial<PlaybackEvents> = {}) {
  const sent: { ms: number; message: Buffer; frame: Frame }[] = [];
  const sink = {
    send: async (bytes: Uint8Array) => {
      const message = bytes as Buffer;
      const frame = parseFrame(message);
      assert.ok(frame.ok);
      sent.push({ ms: clock.ms, message, frame });
    },
  };
  const events = { waits() {}, published() {}, repeated() {}, fellBehind() {}, ...more };
  await play(source, sink, new AbortController().signal, events, clock);
  return sent;
}

describe('play', () => {
  it('sends each frame at its moment, reckoned from the first, so that ten thousand late timers are no drift', async () => {
    const clock = new FakeClock();
    const dues = Array.from({ length: 10_000 }, (_, n) => (n * 1_001_000) / 30);
    const sent = await played(framesAt(dues), clock);
    assert.equal(sent.length, dues.length);
    for (const [n, { ms }] of sent.entries()) {
      const lateMs = ms - (1000 + dues[n]! / 1000);
      assert.ok(lateMs > -1 && lateMs < 3, `frame ${n} was ${lateMs} ms late`);
    }
  });

  it('keeps uneven distances as they are', async () => {
    const clock = new FakeClock();
    const dues = [0, 10_000, 500_000, 510_000, 2_000_000];
    const told: number[] = [];
    const sent = await played(framesAt(dues), clock, { waits: ms => told.push(clock.ms + ms) });
    for (const [n, { ms }] of sent.entries()) {
      assert.ok(Math.abs(ms - 1000 - dues[n]! / 1000) < 3);
    }
    assert.deepEqual(
      told,
      dues.slice(1).map(us => 1000 + us / 1000),
      'what is waited for is told',
    );
  });

  it('numbers the frames from 0 and says where in the clip each one is', async () => {
    const sent = await played(framesAt([0, 40_000, 80_000]), new FakeClock());
    const stamps = sent.map(({ message }) => {
      const frame = parseFrame(message);
      assert.ok(frame.ok);
      return [frame.stamp?.sequence, frame.stamp?.positionUs];
    });
    assert.deepEqual(stamps, [
      [0n, 0n],
      [1n, 40_000n],
      [2n, 80_000n],
    ]);
  });

  it('sets the clock anew after a stall, and never races to catch up', async () => {
    const clock = new FakeClock();
    const stalls: number[] = [];
    const frames = framesAt([0, 40_000, 80_000, 120_000, 160_000], dueUs => {
      if (dueUs === 80_000) clock.ms += 3000;
    });
    const sent = await played(frames, clock, { fellBehind: lateMs => stalls.push(lateMs) });
    assert.equal(stalls.length, 1);
    assert.ok(stalls[0]! > 2900 && stalls[0]! < 3000);
    const distances = sent.slice(3).map(({ ms }, n) => ms - sent[n + 2]!.ms);
    for (const distance of distances) assert.ok(distance > 37 && distance < 43, `${distance} ms`);
  });

  it('catches up with a short delay', async () => {
    const clock = new FakeClock();
    const frames = framesAt([0, 40_000, 80_000, 400_000], dueUs => {
      if (dueUs === 40_000) clock.ms += 200;
    });
    const sent = await played(frames, clock);
    assert.ok(sent.at(-1)!.ms < 1000 + 403);
  });

  it('ends without another frame when it is told to stop while it waits', async () => {
    const stop = new AbortController();
    const sent: Uint8Array[] = [];
    const sink = { send: async (message: Uint8Array) => void sent.push(message) };
    const events = { waits() {}, published: () => stop.abort(), repeated() {}, fellBehind() {} };
    await play(framesAt([0, 1e12]), sink, stop.signal, events);
    assert.equal(sent.length, 1);
  });

  it('publishes the frame that stays again once a second, marked, with its position and a new number', async () => {
    for (const cues of [framesAt([0, 40_000, 4_540_000, 94_540_000]), framesAt([0, 50e6, 100e6])]) {
      const sent = await everything(cues, new FakeClock());
      let shown = sent[0]!.frame;
      for (const [n, { ms, frame }] of sent.entries()) {
        assert.equal(frame.stamp?.sequence, BigInt(n));
        if (n > 0) assert.ok(ms - sent[n - 1]!.ms <= 1256, `${ms - sent[n - 1]!.ms} ms without a message`);
        if (frame.repeat) assert.equal(frame.stamp?.positionUs, shown.stamp?.positionUs);
        else shown = frame;
      }
      assert.ok(sent.filter(({ frame }) => frame.repeat).length >= 90);
    }
  });

  it('never touches the bytes that it has sent, and copies the picture into a repeat', async () => {
    async function* one() {
      const message = layout.allocate();
      message.fill(7, layout.pixelOffset, layout.pixelOffset + layout.pixelBytes);
      yield { message, positionUs: 5, dueUs: 0, validAtMs: 1234 };
      yield { holdMs: 3000 };
    }
    const sent = await everything(one(), new FakeClock());
    const repeats = sent.filter(({ frame }) => frame.repeat);
    assert.ok(repeats.length >= 3);
    for (const { frame } of repeats) {
      assert.deepEqual(Buffer.from(frame.pixels), Buffer.alloc(layout.pixelBytes, 7));
      assert.equal(frame.stamp?.validAtMs, 1234);
    }
    assert.equal(new Set(sent.map(({ message }) => message.buffer)).size, sent.length);
    assert.deepEqual(
      sent.map(({ message }) => parseFrame(message)).map(frame => frame.ok && frame.stamp?.sequence),
      sent.map((_, n) => BigInt(n)),
    );
  });

  it('repeats nothing of a clip of a frame a second or more', async () => {
    const second = Array.from({ length: 20 }, (_, n) => n * 1e6);
    const sent = await everything(framesAt(second), new FakeClock());
    assert.deepEqual(
      sent.map(({ frame }) => frame.repeat),
      [...second.map(() => false), true],
    );
  });

  it('says that the clip has ended with a last repeat', async () => {
    const sent = await everything(framesAt([0, 40_000]), new FakeClock());
    assert.deepEqual(
      sent.map(({ frame }) => [frame.repeat, frame.ended]),
      [
        [false, false],
        [false, false],
        [true, true],
      ],
    );
  });

  it('starts its clock anew with a source that was just opened, and is not late then', async () => {
    const clock = new FakeClock();
    async function* replaced() {
      yield* framesAt([0, 40_000]);
      clock.ms += 5000;
      for await (const frame of framesAt([80_000, 120_000])) yield { ...frame, anew: frame.dueUs === 80_000 };
      for await (const frame of framesAt([2_160_000])) yield { ...frame, anew: true };
    }
    const behind: number[] = [];
    const sent = await played(replaced(), clock, { fellBehind: ms => behind.push(ms) });
    assert.deepEqual(behind, []);
    const ms = sent.map(frame => frame.ms - sent[2]!.ms);
    assert.ok(ms[3]! >= 39 && ms[3]! < 43 && ms[4]! >= 2079 && ms[4]! < 2083, String(ms));
  });
});
