import type { TimedFrame } from './playback.ts';

/**
 * Says which picture of the clip a frame is. Usually the frames of a round are counted; where a part did not decode, pictures
 * may be missing, and only a steady rate says how many.
 */
export class FrameNumbers {
  readonly #intervalUs: number;
  /** Rounds that may lack pictures: the present one, and the next, whose decoder may be at work already. */
  #doubtful = 0;
  #isSteady = true;

  constructor(intervalUs: number) {
    this.#intervalUs = intervalUs;
  }

  /** A part of the clip did not decode. */
  damaged(): void {
    this.#doubtful = 2;
  }

  /** Returns the frame's number, from 0 on; -1 if it can't be known. */
  of({ index = 0, positionUs }: TimedFrame): number {
    if (index === 0 && this.#doubtful > 0) this.#doubtful -= 1;
    const byTime = positionUs / this.#intervalUs;
    if (this.#doubtful === 0) {
      if (Math.abs(byTime - index) > 0.5) this.#isSteady = false;
      return index;
    }
    return this.#isSteady ? Math.round(byTime) : -1;
  }
}
