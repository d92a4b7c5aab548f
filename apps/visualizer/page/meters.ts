const RATE_WINDOW_MS = 2000;
/** A shorter time says more of the chance bursts of a network than of a rate. */
const LEAST_SPAN_MS = 500;

/** How often something happens: over the last two seconds, or between the last two times if it happens less often. */
export class RateMeter {
  #times: number[] = [];

  tick(nowMs: number): void {
    this.#times.push(nowMs);
    while (this.#times.length > 2 && this.#times[0]! < nowMs - RATE_WINDOW_MS) this.#times.shift();
  }

  /** A second, or undefined while there is not enough to tell. */
  perSecond(nowMs: number): number | undefined {
    const [first] = this.#times;
    const last = this.#times.at(-1);
    if (first === undefined || last === undefined || last - first < LEAST_SPAN_MS) return undefined;
    const intervalMs = (last - first) / (this.#times.length - 1);
    return nowMs - last > Math.max(RATE_WINDOW_MS, 2 * intervalMs) ? undefined : 1000 / intervalMs;
  }

  reset(): void {
    this.#times = [];
  }
}

const BASELINE_MS = 5 * 60_000;
const MEDIAN_OF = 9;

export interface Times {
  /** Unix ms on the server's clock. */
  publishedAt: number;
  latencyMs: number | null;
  /** Unix ms on the browser's clock. */
  receivedAt: number;
  drawnAt: number;
}

/**
 * Age of a picture when it is drawn, with no need for the two clocks to agree: a journey counts by how much longer it
 * took than the shortest of the last minutes, so that only the network's own shortest delay is left out. The shortest is
 * forgotten after five to ten minutes, which heals a clock that was set.
 */
export class GlassLatency {
  #shortest = Number.POSITIVE_INFINITY;
  #shortestBefore = Number.POSITIVE_INFINITY;
  #since = 0;
  #recent: number[] = [];

  drawn({ publishedAt, latencyMs, receivedAt, drawnAt }: Times): void {
    if (Math.abs(receivedAt - this.#since) > BASELINE_MS) {
      this.#shortestBefore = this.#shortest;
      this.#shortest = Number.POSITIVE_INFINITY;
      this.#since = receivedAt;
    }
    const serverMs = latencyMs ?? 0;
    const journey = receivedAt - (publishedAt + serverMs);
    this.#shortest = Math.min(this.#shortest, journey);
    const onTheWay = journey - Math.min(this.#shortest, this.#shortestBefore);
    this.#recent.push(serverMs + onTheWay + (drawnAt - receivedAt));
    if (this.#recent.length > MEDIAN_OF) this.#recent.shift();
  }

  /** The median of the last few pictures, or undefined before the first. */
  get medianMs(): number | undefined {
    return this.#recent.toSorted((a, b) => a - b)[this.#recent.length >> 1];
  }

  reset(): void {
    this.#shortest = Number.POSITIVE_INFINITY;
    this.#shortestBefore = Number.POSITIVE_INFINITY;
    this.#since = 0;
    this.#recent = [];
  }
}
