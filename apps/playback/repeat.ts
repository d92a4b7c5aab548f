import type { DecodedFrame, Decoding } from './decode.ts';

/** The next decoder starts this long before the last frame is due: several times what ffmpeg takes to start. */
const LEAD_US = 2e6;
/** A step in the timestamps that no clip means: the nominal interval stands in for it. */
const LONGEST_STEP_US = 60e6;

/** A frame on the one timeline of all passes. */
export interface TimedFrame extends DecodedFrame {
  /** Microseconds from the very first frame; never goes back. */
  dueUs: number;
}

export interface Repetition {
  loop: boolean;
  /** Nominal time between frames: after the last one, and for steps that make no sense. */
  intervalUs: number;
  /** What the container says; after the first pass what was measured is used. */
  durationUs: number | undefined;
  /** A pass has ended, with so many frames. */
  passed(frames: number): void;
}

/**
 * Plays a clip once, or over and over without a gap: while one decoder gives its last seconds the next is started, and
 * stalls on its pipe with its first frames ready.
 */
export async function* repeat(start: () => Decoding, about: Repetition): AsyncGenerator<TimedFrame> {
  let current = start();
  let next: Decoding | undefined;
  let durationUs = about.durationUs;
  let dueUs = 0;
  try {
    for (;;) {
      let frames = 0;
      let lastUs = 0;
      for await (const frame of current) {
        if (frames > 0) {
          const step = frame.positionUs - lastUs;
          dueUs += step >= 0 && step <= LONGEST_STEP_US ? step : about.intervalUs;
        }
        lastUs = frame.positionUs;
        frames += 1;
        if (about.loop && !next && durationUs !== undefined && durationUs - lastUs <= LEAD_US) next = start();
        yield { ...frame, dueUs };
      }
      about.passed(frames);
      if (!about.loop || frames === 0) return;
      dueUs += about.intervalUs;
      durationUs = lastUs + about.intervalUs;
      current = next ?? start();
      next = undefined;
    }
  } finally {
    current.stop();
    next?.stop();
  }
}
