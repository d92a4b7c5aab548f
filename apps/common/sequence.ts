/** Counts the frames that went missing before a subscriber, by the sequence that its frames carry. */
export class SequenceGaps {
  #last: bigint | undefined;

  /** How many frames lie between the last one and this. A sequence that went back is a publisher that began anew. */
  missedBefore(sequence: bigint): number {
    const last = this.#last;
    this.#last = sequence;
    return last === undefined || sequence <= last ? 0 : Number(sequence - last - 1n);
  }
}
