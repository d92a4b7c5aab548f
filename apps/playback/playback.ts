import { setTimeout as sleep } from 'node:timers/promises';
import type { FrameSink } from '../common/bus.ts';
import { unixNanoseconds } from '../common/clock.ts';
import { type Facts, HEADER_BYTES, notice, writeStamp } from '../common/frame.ts';
import type { DecodedFrame } from './decode.ts';

/** A frame that has its place on the timeline of everything that is played. */
export interface TimedFrame extends DecodedFrame {
  /** Microseconds from the very first frame; always ahead of the one before. */
  dueUs: number;
  /** Its number in the round, from 0 on. */
  index?: number;
  /** When the picture was taken, in Unix milliseconds, if that is known. */
  validAtMs?: number | undefined;
  /** The clock starts anew with this frame if its time has passed: it comes from a source that was just opened. */
  anew?: boolean;
}

/** Nothing new for this long: the last frame stays. */
export interface Hold {
  holdMs: number;
}

/** Nothing can be played: a sentence for viewers that says why. */
export interface Notice {
  notice: string;
}

export type Cue = TimedFrame | Hold | Notice;

/** Behind by more than this the clock starts anew: a decoder that can't keep up slows the picture, and never races. */
const RESET_MS = 500;
/** A frame that stays is published again this long after it was published last. */
const REPEAT_MS = 1000;
/** No repeat if a new frame is due this soon after it, so that a clip of one frame a second has none. */
const REPEAT_SLACK_MS = 250;

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
  /** The next frame is ready, or known not to come, and this many milliseconds away. */
  waits(ms: number): void;
  /** @param waitedMs how long the source took to have the frame, once it was asked for */
  published(positionUs: number, waitedMs: number): void;
  /** The frame published last was published again. */
  repeated(): void;
  /** The clock started anew, this many milliseconds late. */
  fellBehind(lateMs: number): void;
}

/**
 * Publishes frames at their times, until the source ends or `signal` is aborted. While it waits, the last frame is
 * published again once a second, marked as a repeat; when the source has ended, once more, marked as the end.
 *
 * Each time counts from the first frame's, so that rounding and late timers never add up to drift.
 */
export async function play(
  source: AsyncIterable<Cue>,
  sink: FrameSink,
  signal: AbortSignal,
  events: PlaybackEvents,
  clock = systemClock,
): Promise<void> {
  const screen = new Screen(sink, events, clock, signal);
  let startMs: number | undefined;
  let askedMs = clock.nowMs();
  for await (const cue of source) {
    const waitedMs = clock.nowMs() - askedMs;
    if ('holdMs' in cue) {
      await screen.hold(clock.nowMs() + cue.holdMs);
      if (signal.aborted) return;
      askedMs = clock.nowMs();
      continue;
    }
    if ('notice' in cue) {
      await sink.send(notice(cue.notice));
      askedMs = clock.nowMs();
      continue;
    }
    startMs ??= clock.nowMs();
    const waitMs = startMs + cue.dueUs / 1000 - clock.nowMs();
    if (cue.anew && waitMs < 0) {
      startMs -= waitMs;
    } else if (waitMs < -RESET_MS) {
      events.fellBehind(-waitMs);
      startMs -= waitMs;
    } else if (waitMs >= 1) {
      await screen.hold(clock.nowMs() + waitMs);
    }
    if (signal.aborted) return;
    await screen.show(cue, waitedMs);
    askedMs = clock.nowMs();
  }
  if (!signal.aborted) await screen.end();
}

/** Publishes frames, and the last one again while it stays. */
class Screen {
  readonly #sink: FrameSink;
  readonly #events: PlaybackEvents;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #sequence = 0n;
  /** What was published last, and when. libzmq may still read its bytes, and so do we; nobody writes them. */
  #shown: { message: Buffer; facts: Pick<Facts, 'positionUs' | 'validAtMs'> } | undefined;
  #publishedMs = 0;

  constructor(sink: FrameSink, events: PlaybackEvents, clock: Clock, signal: AbortSignal) {
    this.#sink = sink;
    this.#events = events;
    this.#clock = clock;
    this.#signal = signal;
  }

  async show({ message, positionUs, validAtMs }: TimedFrame, waitedMs: number): Promise<void> {
    const facts = {
      positionUs: BigInt(Math.round(positionUs)),
      ...(validAtMs !== undefined && { validAtMs }),
    };
    // A shape that changes on the way is believed only of a publisher that starts anew.
    if (this.#shown && message.compare(this.#shown.message, 0, HEADER_BYTES, 0, HEADER_BYTES) !== 0)
      this.#sequence = 0n;
    this.#shown = { message, facts };
    await this.#publish(message, facts);
    this.#events.published(positionUs, waitedMs);
  }

  /** Waits until a time, with a repeat once a second on the way. */
  async hold(untilMs: number): Promise<void> {
    const waitMs = untilMs - this.#clock.nowMs();
    if (waitMs >= 1) this.#events.waits(waitMs);
    while (!this.#signal.aborted) {
      const nowMs = this.#clock.nowMs();
      if (untilMs - nowMs < 1) return;
      const repeatMs = this.#publishedMs + REPEAT_MS;
      const isRepeated = this.#shown !== undefined && untilMs - repeatMs > REPEAT_SLACK_MS;
      if (isRepeated && nowMs >= repeatMs) await this.#repeat({});
      else await this.#clock.sleep((isRepeated ? repeatMs : untilMs) - nowMs, this.#signal);
    }
  }

  /** Says that nothing follows. */
  async end(): Promise<void> {
    await this.#repeat({ ended: true });
  }

  /**
   * Costs one copy of the message, 0.5 ms at 1080p, and that only once a second while nothing else happens: the bytes
   * that were sent are libzmq's to read until they have left, and the stamp differs.
   */
  async #repeat(flags: Pick<Facts, 'ended'>): Promise<void> {
    if (!this.#shown) return;
    const { message, facts } = this.#shown;
    const copy = Buffer.allocUnsafeSlow(message.length);
    message.copy(copy);
    await this.#publish(copy, { ...facts, ...flags, repeat: true });
    this.#events.repeated();
  }

  async #publish(message: Buffer, facts: Omit<Facts, 'sequence' | 'publishedAtNs'>): Promise<void> {
    writeStamp(message, { ...facts, sequence: this.#sequence, publishedAtNs: unixNanoseconds() });
    this.#sequence += 1n;
    this.#publishedMs = this.#clock.nowMs();
    await this.#sink.send(message);
  }
}
