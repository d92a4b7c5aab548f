/** Two keep both threads of a small machine busy; what is made is still handed on in order. */
const CONCURRENT = 2;

export interface EncodeEvents<In, Out> {
  /** In the order of the inputs. */
  encoded(output: Out): void;
  /** A newer input replaced this one, which had not begun. */
  replaced(input: In): void;
  failed(error: unknown): void;
}

/**
 * Encodes the newest input: while all encoders are busy one input waits, and a newer one takes its place.
 * The bound is thus `CONCURRENT` at work and one waiting.
 */
export class NewestEncoder<In, Out> {
  readonly #idle: ((input: In) => Promise<Out>)[];
  readonly #events: EncodeEvents<In, Out>;
  #waiting: In | undefined;
  #handedOn: Promise<void> = Promise.resolve();

  /** @param create makes one encoder, for one input at a time */
  constructor(create: () => (input: In) => Promise<Out>, events: EncodeEvents<In, Out>) {
    this.#idle = Array.from({ length: CONCURRENT }, create);
    this.#events = events;
  }

  push(input: In): void {
    const encode = this.#idle.pop();
    if (encode) {
      this.#start(encode, input);
    } else {
      if (this.#waiting !== undefined) this.#events.replaced(this.#waiting);
      this.#waiting = input;
    }
  }

  #start(encode: (input: In) => Promise<Out>, input: In): void {
    const output = encode(input);
    const before = this.#handedOn;
    this.#handedOn = this.#handOn(before, output);
    void output
      .catch(() => {})
      .then(() => {
        const next = this.#waiting;
        this.#waiting = undefined;
        if (next === undefined) this.#idle.push(encode);
        else this.#start(encode, next);
      });
  }

  async #handOn(before: Promise<void>, output: Promise<Out>): Promise<void> {
    const [, result] = await Promise.allSettled([before, output]);
    if (result.status === 'fulfilled') this.#events.encoded(result.value);
    else this.#events.failed(result.reason);
  }
}
