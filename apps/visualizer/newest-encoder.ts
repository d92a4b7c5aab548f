/** Two keep both threads of a small machine busy. UV_THREADPOOL_SIZE must be at least this. */
export const CONCURRENT_ENCODERS = 2;

/** Encodes one input at a time. */
export interface Encoder<In, Out> extends Disposable {
  encode(input: In): Promise<Out>;
}

export interface EncodeEvents<In, Out> {
  /** Called in the order of the inputs. */
  encoded(output: Out, input: In): void;
  /** A newer input replaced this one, which had not begun. */
  replaced(input: In): void;
  failed(error: unknown, input: In): void;
}

/**
 * Encodes the newest input: while all encoders are busy one input waits, and a newer one replaces it. So at most
 * `CONCURRENT_ENCODERS` are being encoded and one waits.
 */
export class NewestEncoder<In, Out> implements Disposable {
  readonly #idle: Encoder<In, Out>[];
  readonly #events: EncodeEvents<In, Out>;
  #waiting: In | undefined;
  #delivered: Promise<void> = Promise.resolve();
  #disposed = false;

  constructor(create: () => Encoder<In, Out>, events: EncodeEvents<In, Out>) {
    this.#idle = Array.from({ length: CONCURRENT_ENCODERS }, create);
    this.#events = events;
  }

  push(input: In): void {
    if (this.#disposed) return;
    const encoder = this.#idle.pop();
    if (encoder) {
      this.#start(encoder, input);
    } else {
      if (this.#waiting !== undefined) this.#events.replaced(this.#waiting);
      this.#waiting = input;
    }
  }

  /** An encoder at work is disposed of when it has finished: a thread of libuv's pool still uses it. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#waiting = undefined;
    for (const encoder of this.#idle.splice(0)) encoder[Symbol.dispose]();
  }

  #start(encoder: Encoder<In, Out>, input: In): void {
    const output = encoder.encode(input);
    this.#delivered = this.#deliver(this.#delivered, output, input);
    void output
      .catch(() => {})
      .then(() => {
        const next = this.#waiting;
        this.#waiting = undefined;
        if (this.#disposed) encoder[Symbol.dispose]();
        else if (next === undefined) this.#idle.push(encoder);
        else this.#start(encoder, next);
      });
  }

  async #deliver(before: Promise<void>, output: Promise<Out>, input: In): Promise<void> {
    const [, result] = await Promise.allSettled([before, output]);
    if (result.status === 'fulfilled') this.#events.encoded(result.value, input);
    else this.#events.failed(result.reason, input);
  }
}
