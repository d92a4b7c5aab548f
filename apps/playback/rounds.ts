import { Fault } from '../common/errors.ts';
import type { DecodedFrame, Decoding } from './decode.ts';
import { KeptRound } from './kept-round.ts';
import { NextDecoding } from './next-decoding.ts';
import type { Cue, TimedFrame } from './playback.ts';

/** The next decoder starts this long before the last frame is due: several times what ffmpeg takes to start. */
export const LEAD_US = 2e6;
/** A step in the timestamps that is longer than both, and that leads past the clip's end, is a fault of the file. */
const LONG_STEP_US = 60e6;
const LONG_STEP_INTERVALS = 10;
/** Kept frames are ready at once; the file is looked at this long before the next round. */
const KEPT_LEAD_US = 100e3;

/** The file of a single picture that stays is looked at this often. */
const HELD_LOOK_MS = 500;

export interface Repetition {
  loop: boolean;
  /** When the first frame is due, on the timeline of everything that is played. */
  fromUs?: number;
  /** Frames a second instead of the clip's own times. */
  fps: number | undefined;
  /** How long the last frame of a round stays at least. */
  dwellUs?: number | undefined;
  /** Nominal time between frames: after the last one, unless `endUs` is known, and for steps that make no sense. */
  intervalUs: number;
  /** What the container says; after the first round the measured value is used. */
  durationUs: number | undefined;
  /** End of the last frame's display time, if the container gives it. */
  endUs?: number | undefined;
  /** Whether the next round is of the same file. If not, playing ends with this round. */
  unchanged?(): Promise<boolean>;
  /** The same of a round that is kept, if `start` finds out by itself what to play. */
  keptUnchanged?(): Promise<boolean>;
  /** A round has ended. */
  passed(frames: number): void;
}

/**
 * Plays a clip once, or over and over without a gap: while one decoder gives its last seconds the next is started, and
 * stalls on its pipe with its first frames ready. If the duration is not known, it is started at once. A short round is
 * kept and not decoded again. Returns when the frame that follows is due, if the file has become another.
 *
 * @throws Fault what `start`'s decodings throw, and `decoder-failed` if a single round was cut short
 */
export async function* rounds(start: () => Decoding, about: Repetition): AsyncGenerator<Cue, number> {
  const { loop, fps, intervalUs, endUs, dwellUs = 0, unchanged } = about;
  const longestUs = Math.max(LONG_STEP_US, LONG_STEP_INTERVALS * intervalUs);
  const sensible = (stepUs: number, toUs: number) => {
    const isMeant = stepUs <= longestUs || about.durationUs === undefined || toUs <= about.durationUs;
    return stepUs > 0 && isMeant ? stepUs : intervalUs;
  };
  /** How much faster than its own rate the clip is played. */
  const speed = fps === undefined ? 1 : (fps * intervalUs) / 1e6;
  const next = new NextDecoding(start, unchanged);
  // The end may be a long hold.
  const mayBeShort = endUs !== undefined || (about.durationUs ?? 0) <= LEAD_US * speed;
  const kept = new KeptRound(loop && mayBeShort, LEAD_US * speed, about.keptUnchanged ?? unchanged);
  let current = start();
  let durationUs = about.durationUs;
  let dueUs = about.fromUs ?? 0;
  let lastUs: number | undefined;
  /** How long the last frame stays before the first comes again. */
  let pauseUs = 0;

  const timed = (frame: DecodedFrame, index: number): TimedFrame => {
    if (lastUs === undefined) dueUs += pauseUs;
    else dueUs += fps === undefined ? sensible(frame.positionUs - lastUs, frame.positionUs) : 1e6 / fps;
    lastUs = frame.positionUs;
    return { ...frame, index, dueUs };
  };

  try {
    for (;;) {
      let frames = 0;
      lastUs = undefined;
      kept.begin();
      for await (const frame of current) {
        kept.take(frame);
        const leftUs = durationUs === undefined ? 0 : durationUs - frame.positionUs;
        if (loop && leftUs <= LEAD_US * speed) next.prepare();
        yield timed(frame, frames);
        frames += 1;
      }
      if (current.outcome === undefined) return dueUs;
      about.passed(frames);
      if (!loop && current.outcome === 'killed') {
        throw new Fault(
          'decoder-failed',
          'ffmpeg was killed before the end of DATA_FILE; start playback again',
        );
      }
      // A decoder that was cut short has not come to the last frame.
      const isEndKnown = current.outcome === 'whole' && endUs !== undefined && fps === undefined;
      const ownUs = fps === undefined ? intervalUs : 1e6 / fps;
      pauseUs = Math.max(dwellUs, isEndKnown ? sensible(endUs - (lastUs ?? 0), endUs) : ownUs);
      if (!loop) {
        yield { holdMs: pauseUs / 1000 };
        return dueUs + pauseUs;
      }
      if (current.outcome === 'whole' && kept.isWhole) break;
      durationUs = (lastUs ?? 0) + pauseUs;
      if (!next.isUnderWay && pauseUs > LEAD_US) yield { holdMs: (pauseUs - LEAD_US) / 1000 };
      const following = await next.take();
      if (!following) return dueUs + pauseUs;
      current = following;
    }

    next.stop();
    // A single picture stays: it is not published at the clip's rate.
    while (kept.length === 1) {
      yield { holdMs: HELD_LOOK_MS };
      if (!(await kept.isCurrent())) return dueUs + pauseUs;
    }
    for (;;) {
      if (pauseUs > KEPT_LEAD_US) yield { holdMs: (pauseUs - KEPT_LEAD_US) / 1000 };
      if (!(await kept.isCurrent())) return dueUs + pauseUs;
      lastUs = undefined;
      for (const [index, frame] of kept.copies()) yield timed(frame, index);
      about.passed(kept.length);
    }
  } finally {
    current.stop();
    next.stop();
  }
}
