import type { Status } from './messages.ts';

const LONGEST_ANSWER_MS = 5000;

/** The server's clock, whatever the browser's own says: the age of a picture is a matter of one clock. */
export class ServerClock {
  #aheadMs: number | undefined;

  /** Sets it by the server's, to within half of the network's round trip. Without an answer it goes on as it is. */
  async set(): Promise<void> {
    try {
      performance.clearResourceTimings();
      const askedMs = performance.now();
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

  /** Unix ms, undefined until it has been set once. */
  now(): number | undefined {
    return this.#aheadMs === undefined ? undefined : performance.now() + this.#aheadMs;
  }
}
