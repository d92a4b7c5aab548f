import type { DecodedFrame } from './decode.ts';

/** A round that is shorter than a decoder takes to start is kept in at most this much memory; one frame always is. */
const KEPT_BYTES = 64 * 2 ** 20;
/** The file is looked at this often at most, however short the round. */
const LOOK_MS = 1000;
/** Frames don't wait longer than this for storage that hangs. */
const PATIENCE_MS = 100;

/** The frames of one short round, to be played again without a decoder. */
export class KeptRound {
  readonly #longestUs: number;
  readonly #unchanged: (() => Promise<boolean>) | undefined;
  readonly #frames: DecodedFrame[] = [];
  #bytes = 0;
  #isKept: boolean;
  #isSame = true;
  #looking = false;
  #lookedMs = performance.now();

  /**
   * @param isWanted whether it can be short at all
   * @param longestUs no frame of it comes later than this
   */
  constructor(isWanted: boolean, longestUs: number, unchanged: (() => Promise<boolean>) | undefined) {
    this.#isKept = isWanted;
    this.#longestUs = longestUs;
    this.#unchanged = unchanged;
  }

  /** Forgets the frames of the round before. */
  begin(): void {
    this.#frames.length = 0;
    this.#bytes = 0;
  }

  take(frame: DecodedFrame): void {
    if (!this.#isKept) return;
    this.#frames.push(frame);
    this.#bytes += frame.message.length;
    if (this.#frames.length === 1) return;
    if (this.#bytes <= KEPT_BYTES && frame.positionUs <= this.#longestUs) return;
    this.#isKept = false;
    this.begin();
  }

  /** Whether all frames of the round that has ended are there. */
  get isWhole(): boolean {
    return this.#frames.length > 0;
  }

  get length(): number {
    return this.#frames.length;
  }

  /** Returns the frames again, with their numbers, each as a copy, since a message that was sent is the transport's. */
  *copies(): Generator<[index: number, frame: DecodedFrame]> {
    for (const [index, frame] of this.#frames.entries()) {
      yield [index, { ...frame, message: Buffer.from(frame.message) }];
    }
  }

  /** Returns whether the file is still the one that was decoded, as far as is known. */
  async isCurrent(): Promise<boolean> {
    if (this.#unchanged && !this.#looking && performance.now() - this.#lookedMs >= LOOK_MS) {
      this.#lookedMs = performance.now();
      this.#looking = true;
      const look = this.#unchanged().then(isSame => {
        this.#isSame = isSame;
        this.#looking = false;
      });
      const { promise: patience, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, PATIENCE_MS);
      await Promise.race([look, patience]);
      clearTimeout(timer);
    }
    return this.#isSame;
  }
}
