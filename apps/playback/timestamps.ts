/** Turns a stream's presentation times into positions. */
export class Timestamps {
  readonly #intervalUs: number;
  #first: number | undefined;
  #last: number | undefined;

  /**
   * @param intervalUs from one frame to the next where the stream has no times
   * @param firstUs the time at which it begins; that of its first frame if not given
   */
  constructor(intervalUs: number, firstUs?: number) {
    this.#intervalUs = intervalUs;
    this.#first = firstUs;
  }

  /** Returns the microseconds from the first frame to the next one, whose presentation time this is. */
  next(ptsUs: number | undefined): number {
    const pts = ptsUs ?? (this.#last === undefined ? 0 : this.#last + this.#intervalUs);
    this.#first ??= pts;
    this.#last = pts;
    return Math.min(Math.max(0, pts - this.#first), Number.MAX_SAFE_INTEGER);
  }
}
