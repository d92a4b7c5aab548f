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

/**
 * How late a picture is, in ms: its age, but no longer than we have been here to be given it. To whoever comes in the
 * middle of a slow clip's interval the picture is old, and the connection is quick.
 */
export function lateness(ageMs: number, hereForMs: number): number {
  return Math.max(0, Math.min(ageMs, hereForMs));
}

const MEDIAN_OF = 9;

/** How old pictures are when they are drawn, in ms. */
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

  /** What a picture has to be reckoned with: it rises with the last one at once, and falls when most are better. */
  get cautiousMs(): number | undefined {
    const last = this.#recent.at(-1);
    return last === undefined ? undefined : Math.max(last, this.medianMs ?? last);
  }

  reset(): void {
    this.#recent = [];
  }
}
