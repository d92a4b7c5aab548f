import type { Decoding } from './decode.ts';

/** The decoder of the round to come, started before it is needed if the file is still the same. */
export class NextDecoding {
  readonly #start: () => Decoding;
  readonly #unchanged: (() => Promise<boolean>) | undefined;
  #decoding: Decoding | undefined;
  #checked: Promise<void> | undefined;
  #stopped = false;

  constructor(start: () => Decoding, unchanged: (() => Promise<boolean>) | undefined) {
    this.#start = start;
    this.#unchanged = unchanged;
  }

  get isUnderWay(): boolean {
    return this.#decoding !== undefined || this.#checked !== undefined;
  }

  /** Looks at the file and starts the decoder, and waits for neither: storage may hang while frames are due. */
  prepare(): void {
    if (this.isUnderWay) return;
    if (!this.#unchanged) {
      this.#decoding = this.#start();
      return;
    }
    this.#checked = this.#unchanged().then(isSame => {
      if (isSame && !this.#stopped) this.#decoding = this.#start();
    });
  }

  /** Returns the decoder, started by now; undefined if the file is another. */
  async take(): Promise<Decoding | undefined> {
    this.prepare();
    await this.#checked;
    const decoding = this.#decoding;
    this.#decoding = undefined;
    this.#checked = undefined;
    return decoding;
  }

  stop(): void {
    this.#stopped = true;
    this.#decoding?.stop();
  }
}
