import type { Status } from './messages.ts';

const LONGEST_ANSWER_MS = 5000;
/** What a status says may be late by as much as the network is; by more than this the clock is worth asking again. */
const SUSPECT_MS = 1000;
const LEAST_BETWEEN_MS = 5000;

/** The server's clock, whatever the browser's own says: the age of a picture is a matter of one clock. */
export class ServerClock {
  #aheadMs: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  /** Sets it by the server's, to within half of the network's round trip. Without an answer it goes on as it is. */
  async set(): Promise<void> {
    try {
      performance.clearResourceTimings();
      const askedMs = performance.now();
      this.#askedMs = askedMs;
      const answer = await fetch('status', { signal: AbortSignal.timeout(LONGEST_ANSWER_MS) });
      const { time } = (await answer.json()) as Status;
      // The network's own stamps, where there are some: a busy page gets to see an answer late.
      const [seen] = performance.getEntriesByName(answer.url) as PerformanceResourceTiming[];
      const halfWayMs = seen
        ? (seen.requestStart + seen.responseStart) / 2
        : (askedMs + performance.now()) / 2;
      this.#aheadMs = time - halfWayMs;
    } catch {
      // The page's own connection tells whether the server is there.
    }
  }

  /** Sets it anew where the server's time, told just now, is so far off that its clock may have been moved. */
  async check(time: number): Promise<void> {
    const now = this.now();
    if (now === undefined || Math.abs(time - now) < SUSPECT_MS) return;
    if (performance.now() - this.#askedMs >= LEAST_BETWEEN_MS) await this.set();
  }

  /** Unix ms, undefined until it has been set once. */
  now(): number | undefined {
    return this.#aheadMs === undefined ? undefined : performance.now() + this.#aheadMs;
  }
}
