import { setTimeout as sleep } from 'node:timers/promises';
import type { FrameSink } from '../common/bus.ts';
import { unixNanoseconds } from '../common/clock.ts';
import { writeStamp } from '../common/frame.ts';
import type { TimedFrame } from './repeat.ts';

/** Behind by more than this the clock is set anew: a decoder that can't keep up slows the picture, and never races. */
const RESET_MS = 500;

export interface PlaybackEvents {
  published(positionUs: number): void;
  /** The clock was set anew, this many milliseconds late. */
  fellBehind(lateMs: number): void;
}

/**
 * Publishes frames at their moments, until the source ends or `signal` is aborted.
 *
 * Each moment is reckoned from the first frame's, so that rounding and late timers never add up to drift.
 *
 * @param fps frames a second in place of the source's own times
 */
export async function play(
  source: AsyncIterable<TimedFrame>,
  sink: FrameSink,
  signal: AbortSignal,
  fps: number | undefined,
  events: PlaybackEvents,
): Promise<void> {
  let startMs: number | undefined;
  let sequence = 0n;
  for await (const { message, positionUs, dueUs } of source) {
    const offsetMs = fps === undefined ? dueUs / 1000 : (Number(sequence) * 1000) / fps;
    startMs ??= performance.now();
    const waitMs = startMs + offsetMs - performance.now();
    if (waitMs < -RESET_MS) {
      events.fellBehind(-waitMs);
      startMs -= waitMs;
    } else if (waitMs >= 1) {
      await sleep(waitMs, undefined, { signal }).catch(() => {});
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
