/** What the client of an answer may cost besides its bytes: streams of HTTP/2, headers, what Koa keeps. */
const LEAST_BYTES = 32 * 1024;

/**
 * The answers that are under way and not streams. Together they hold at most this many bytes: with more, the one that has
 * been under way for longest is cut. Over TLS a client that reads nothing holds all its answer in our memory, and over HTTP/2
 * one connection has many answers.
 */
export class Answers {
  readonly #mostBytes: number;
  /** How to cut each, and what it holds; the oldest first. */
  readonly #held = new Map<() => void, number>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @param cut ends the answer; it also names it */
  began(cut: () => void): void {
    this.#add(cut, 0);
  }

  /** Notes how many bytes an answer has, and makes room for them. One that has ended, or is a stream, holds nothing. */
  holds(cut: () => void, bytes: number): void {
    if (this.#held.has(cut)) this.#add(cut, bytes);
  }

  #add(cut: () => void, bytes: number): void {
    const held = Math.max(bytes, LEAST_BYTES);
    this.#bytes += held - (this.#held.get(cut) ?? 0);
    this.#held.set(cut, held);
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= this.#mostBytes) return;
      if (oldest === cut) continue;
      this.ended(oldest);
      oldest();
    }
  }

  ended(cut: () => void): void {
    this.#bytes -= this.#held.get(cut) ?? 0;
    this.#held.delete(cut);
  }
}
