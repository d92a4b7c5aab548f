const RATE_WINDOW_MS = 2000;
/** Over a shorter time the network's bursts hide the rate. */
const MIN_SPAN_MS = 500;

/** Measures how often something happens: over the last two seconds, or between the last two times if it is rarer. */
export class RateMeter {
  #times: number[] = [];

  tick(nowMs: number): void {
    this.#times.push(nowMs);
    while (this.#times.length > 2 && this.#times[0]! < nowMs - RATE_WINDOW_MS) this.#times.shift();
  }

  /** Returns times a second, or undefined while there are too few to judge. */
  perSecond(nowMs: number): number | undefined {
    const [first] = this.#times;
    const last = this.#times.at(-1);
    if (first === undefined || last === undefined || last - first < MIN_SPAN_MS) return undefined;
    const intervalMs = (last - first) / (this.#times.length - 1);
    return nowMs - last > Math.max(RATE_WINDOW_MS, 2 * intervalMs) ? undefined : 1000 / intervalMs;
  }

  reset(): void {
    this.#times = [];
  }
}

/**
 * Returns how late a picture is, in ms: its age, but at most the time since this page asked for it. If a viewer arrives
 * in the middle of a slow clip's interval, the picture is old but the connection is fast.
 */
export function lateness(ageMs: number, hereForMs: number): number {
  return Math.max(0, Math.min(ageMs, hereForMs));
}

const MEDIAN_OF = 9;

/** Measures the age of pictures when they are drawn, in ms. */
export class LatencyMeter {
  #recent: number[] = [];

  add(ms: number): void {
    this.#recent.push(ms);
    if (this.#recent.length > MEDIAN_OF) this.#recent.shift();
  }

  /** The median of the last few pictures, or undefined before the first. */
  get medianMs(): number | undefined {
    return this.#recent.toSorted((a, b) => a - b)[this.#recent.length >> 1];
  }

  /** The latency to assume: rises with the last picture at once, and falls when most pictures are better. */
  get cautiousMs(): number | undefined {
    const last = this.#recent.at(-1);
    return last === undefined ? undefined : Math.max(last, this.medianMs ?? last);
  }

  reset(): void {
    this.#recent = [];
  }
}
