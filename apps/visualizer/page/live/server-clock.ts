import type { Status } from '../../messages.js';
import { addressOf } from './address.ts';

const ANSWER_LIMIT_MS = 5000;
/** A status may be as late as the network is; a difference beyond this means that a clock may have been set. */
const SUSPECT_MS = 1000;
const MIN_INTERVAL_MS = 5000;

/** The server's clock, independent of the browser's own, so that one clock measures the age of a picture. */
export class ServerClock {
  #aheadMs: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  /** Asks the server for its time, accurate to half the network's round trip. Without an answer nothing changes. */
  async set(): Promise<void> {
    try {
      performance.clearResourceTimings();
      const askedMs = performance.now();
      this.#askedMs = askedMs;
      const answer = await fetch(addressOf('status'), { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
      const { time } = (await answer.json()) as Status;
      // Prefer the network's own time stamps: a busy page sees an answer late.
      const [seen] = performance.getEntriesByName(answer.url) as PerformanceResourceTiming[];
      const halfWayMs = seen
        ? (seen.requestStart + seen.responseStart) / 2
        : (askedMs + performance.now()) / 2;
      this.#aheadMs = time - halfWayMs;
    } catch {
      // The stream reports whether the server is there.
    }
  }

  /** Asks again if the server's time, just received, differs so much that its clock may have been set. */
  async check(time: number): Promise<void> {
    const now = this.now();
    if (now === undefined || Math.abs(time - now) < SUSPECT_MS) return;
    if (performance.now() - this.#askedMs >= MIN_INTERVAL_MS) await this.set();
  }

  /** Returns Unix ms, or undefined before the first answer. */
  now(): number | undefined {
    return this.#aheadMs === undefined ? undefined : performance.now() + this.#aheadMs;
  }
}
