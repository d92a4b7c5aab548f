import { setTimeout as sleep } from 'node:timers/promises';
import type { FrameSink } from '../common/bus.ts';
import { unixNanoseconds } from '../common/clock.ts';
import { writeStamp } from '../common/frame.ts';
import type { TimedFrame } from './repeat.ts';

/** Behind by more than this the clock is set anew: a decoder that can't keep up slows the picture, and never races. */
const RESET_MS = 500;

/** Time as a player needs it; tests have their own. */
export interface Clock {
  /** Milliseconds that only ever go up. */
  nowMs(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};

export interface PlaybackEvents {
  /** The next frame is ready, and waits so many milliseconds for its moment. */
  waits(ms: number): void;
  published(positionUs: number): void;
  /** The clock was set anew, this many milliseconds late. */
  fellBehind(lateMs: number): void;
}

/**
 * Publishes frames at their moments, until the source ends or `signal` is aborted.
 *
 * Each moment is reckoned from the first frame's, so that rounding and late timers never add up to drift.
 */
export async function play(
  source: AsyncIterable<TimedFrame>,
  sink: FrameSink,
  signal: AbortSignal,
  events: PlaybackEvents,
  clock = systemClock,
): Promise<void> {
  let startMs: number | undefined;
  let sequence = 0n;
  for await (const { message, positionUs, dueUs } of source) {
    startMs ??= clock.nowMs();
    const waitMs = startMs + dueUs / 1000 - clock.nowMs();
    if (waitMs < -RESET_MS) {
      events.fellBehind(-waitMs);
      startMs -= waitMs;
    } else if (waitMs >= 1) {
      events.waits(waitMs);
      await clock.sleep(waitMs, signal);
    }
    if (signal.aborted) return;
    writeStamp(message, {
      sequence,
      publishedAtNs: unixNanoseconds(),
      positionUs: BigInt(Math.round(positionUs)),
    });
    await sink.send(message);
    events.published(positionUs);
    sequence += 1n;
  }
}
