import { Fault } from '../common/errors.ts';
import type { DecodedFrame, Decoding } from './decode.ts';

/** The next decoder starts this long before the last frame is due: several times what ffmpeg takes to start. */
const LEAD_US = 2e6;
/** A step in the timestamps that is longer than both is one that no clip means: the nominal interval stands in for it. */
const LONG_STEP_US = 60e6;
const LONG_STEP_INTERVALS = 10;
/** A clip of so few frames, a still for one, is over before a decoder has started: it is kept and not decoded again. */
const KEPT_FRAMES = 4;

/** A frame on the one timeline of all passes. */
export interface TimedFrame extends DecodedFrame {
  /** Microseconds from the very first frame; always ahead of the one before. */
  dueUs: number;
}

export interface Repetition {
  loop: boolean;
  /** Frames a second in place of the clip's own times. */
  fps: number | undefined;
  /** Nominal time between frames: after the last one, unless `endUs` tells, and for steps that make no sense. */
  intervalUs: number;
  /** What the container says; after the first pass what was measured is used. */
  durationUs: number | undefined;
  /** When the last frame has stood its time, where that is known. */
  endUs?: number | undefined;
  /** A pass has ended. */
  passed(frames: number): void;
}

/**
 * Plays a clip once, or over and over without a gap: while one decoder gives its last seconds the next is started, and
 * stalls on its pipe with its first frames ready. Where the duration is not known it is started at once.
 *
 * @throws Fault what `start`'s decodings throw, and `decoder-failed` where a single pass was cut short
 */
export async function* repeat(start: () => Decoding, about: Repetition): AsyncGenerator<TimedFrame> {
  const { loop, fps, intervalUs, endUs } = about;
  const longestUs = Math.max(LONG_STEP_US, LONG_STEP_INTERVALS * intervalUs);
  const sensible = (stepUs: number) => (stepUs > 0 && stepUs <= longestUs ? stepUs : intervalUs);
  /** How much faster than its own rate the clip is played. */
  const speed = fps === undefined ? 1 : (fps * intervalUs) / 1e6;
  let current = start();
  let next: Decoding | undefined;
  let durationUs = about.durationUs;
  let dueUs = 0;
  let total = 0;
  let lastUs: number | undefined;
  /** How long the last frame stands before the first comes again. */
  let pauseUs = intervalUs;
  const kept: DecodedFrame[] = [];

  const timed = (frame: DecodedFrame): TimedFrame => {
    if (fps !== undefined) {
      dueUs = (total * 1e6) / fps;
    } else if (total > 0) {
      dueUs += lastUs === undefined ? pauseUs : sensible(frame.positionUs - lastUs);
    }
    total += 1;
    lastUs = frame.positionUs;
    return { ...frame, dueUs };
  };

  try {
    for (;;) {
      kept.length = 0;
      let frames = 0;
      lastUs = undefined;
      for await (const frame of current) {
        frames += 1;
        if (frames <= KEPT_FRAMES) kept.push(frame);
        else kept.length = 0;
        const leftUs = durationUs === undefined ? 0 : durationUs - frame.positionUs;
        if (loop && !next && leftUs <= LEAD_US * speed) next = start();
        yield timed(frame);
      }
      if (current.outcome === undefined) return;
      about.passed(frames);
      if (!loop && current.outcome === 'killed') {
        throw new Fault(
          'decoder-failed',
          'ffmpeg was killed before the end of DATA_FILE; start playback again',
        );
      }
      if (!loop) return;
      // A decoder that was cut short has not come to the last frame.
      const isEndKnown = current.outcome === 'whole' && endUs !== undefined;
      pauseUs = isEndKnown ? sensible(endUs - (lastUs ?? 0)) : intervalUs;
      if (current.outcome === 'whole' && kept.length > 0) break;
      durationUs = (lastUs ?? 0) + pauseUs;
      current = next ?? start();
      next = undefined;
    }

    next?.stop();
    for (;;) {
      lastUs = undefined;
      // A copy, since a message that was sent is the transport's.
      for (const { message, positionUs } of kept) yield timed({ message: Buffer.from(message), positionUs });
      about.passed(kept.length);
    }
  } finally {
    current.stop();
    next?.stop();
  }
}
