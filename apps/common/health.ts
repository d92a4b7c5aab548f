/** A verdict and its reason, in words for an operator. */
export interface Verdict {
  ok: boolean;
  message: string;
}

/**
 * `ready`: whether frames flow. `alive`: whether this process does its own part; it stays true while only a neighbour
 * is missing, so that a supervisor never kills a service for another's fault.
 */
export interface Health {
  alive(): Verdict;
  ready(): Verdict;
}

/** A picture slower than this is told from a stall by its own rhythm. A quick reconnect is over before. */
const STALL_MS = 1500;
/** How many of its own intervals a slow clip may miss before it counts as stalled. */
const STALL_INTERVALS = 3;
const LONGEST_INTERVAL_MS = 60_000;
/** A rhythm is the median of so many intervals: one late frame is none. */
const RHYTHM = 5;

/** Tells whether frames flow, from the moments at which they did. Times are `performance.now()` milliseconds. */
export class FlowHealth implements Health {
  readonly #service: string;
  readonly #what: string;
  readonly #connected: () => boolean;
  /** Found gone, and no frame since. */
  #lost = false;
  #lastMs: number | undefined;
  readonly #intervalsMs: number[] = [];
  #refusal: { reason: string; atMs: number } | undefined;

  /**
   * @param what what flows, for the message: "frames from playback at tcp://localhost:5555"
   * @param connected whether the transport to where it flows from stands
   */
  constructor(service: string, what: string, connected = () => true) {
    this.#service = service;
    this.#what = what;
    this.#connected = connected;
  }

  /** Tells of a frame. Answers true when it is the first, or the first after a stall. */
  flowed(nowMs = performance.now()): boolean {
    const began = this.stalled(nowMs);
    this.#lost = false;
    if (this.#lastMs !== undefined) {
      this.#intervalsMs.push(Math.min(nowMs - this.#lastMs, LONGEST_INTERVAL_MS));
      if (this.#intervalsMs.length > RHYTHM) this.#intervalsMs.shift();
    }
    this.#lastMs = nowMs;
    return began;
  }

  refused(reason: string, nowMs = performance.now()): void {
    this.#refusal = { reason, atMs: nowMs };
  }

  /**
   * Whether the last frame is longer ago than this source explains: by its rhythm while it is connected, and not at all
   * once it is gone. True before the first frame.
   */
  stalled(nowMs = performance.now()): boolean {
    if (this.#lastMs === undefined) return true;
    const quietMs = nowMs - this.#lastMs;
    // First, so that a frame that is on time costs one comparison and no look at the rhythm.
    if (quietMs <= STALL_MS) return false;
    // A connection that stands again is no frame yet.
    this.#lost ||= !this.#connected();
    return this.#lost || quietMs > STALL_INTERVALS * this.#rhythmMs;
  }

  /** The lower median, so that of two intervals the shorter counts; 0 before the second frame. */
  get #rhythmMs(): number {
    const sorted = this.#intervalsMs.toSorted((a, b) => a - b);
    return sorted[(sorted.length - 1) >> 1] ?? 0;
  }

  get lastMs(): number | undefined {
    return this.#lastMs;
  }

  /** Why messages are being refused just now, if they are. */
  refusing(nowMs = performance.now()): string | undefined {
    return this.#refusal && nowMs - this.#refusal.atMs < STALL_MS ? this.#refusal.reason : undefined;
  }

  alive(): Verdict {
    return { ok: true, message: `${this.#service} is alive` };
  }

  ready(nowMs = performance.now()): Verdict {
    if (!this.stalled(nowMs)) return { ok: true, message: 'frames flow' };
    const refusal = this.refusing(nowMs);
    if (refusal !== undefined) return { ok: false, message: `${this.#what} are refused: ${refusal}` };
    if (this.#lastMs === undefined) return { ok: false, message: `waiting for ${this.#what}` };
    const agoS = ((nowMs - this.#lastMs) / 1000).toFixed(1);
    return { ok: false, message: `no ${this.#what} for ${agoS} s` };
  }
}
