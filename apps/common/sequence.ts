/** A publisher sends at most one frame a millisecond, after a burst of this many. */
const BURST = 1000;

/** Counts the frames that were lost on the way to a subscriber, by the sequence that its frames carry. */
export class SequenceGaps {
  #last: { sequence: bigint; atMs: number } | undefined;
  /** Where the sequence was when it last went back. */
  #left: bigint | undefined;

  /** Has the next frame count as the first one. */
  forget(): void {
    this.#last = undefined;
  }

  /**
   * Returns how many frames lie between the last one and this. A sequence that goes back belongs to a publisher that
   * started again. One that no publisher can have reached since is a lie or damage, and one that goes on where an earlier
   * one was left belongs to a second publisher: the answer is undefined.
   */
  missedBefore(sequence: bigint, nowMs = performance.now()): number | undefined {
    const last = this.#last;
    this.#last = { sequence, atMs: nowMs };
    if (last === undefined) return 0;
    if (sequence <= last.sequence) {
      this.#left = last.sequence;
      return 0;
    }
    if (this.#goesOn(last.sequence, sequence)) return undefined;
    const missed = Number(sequence - last.sequence - 1n);
    return missed <= BURST + (nowMs - last.atMs) ? missed : undefined;
  }

  /** Returns whether a sequence that has gone back is now nearer to where it was left than to where it has been since. */
  #goesOn(last: bigint, sequence: bigint): boolean {
    const left = this.#left;
    return left !== undefined && last < left && sequence > left && sequence - left <= left - last;
  }
}
