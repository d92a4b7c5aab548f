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

/** When something last came, and how often it does. Times are `performance.now()` milliseconds. */
class Rhythm {
  readonly #intervalsMs: number[] = [];
  lastMs: number | undefined;

  beat(nowMs: number): void {
    if (this.lastMs !== undefined) {
      this.#intervalsMs.push(Math.min(nowMs - this.lastMs, LONGEST_INTERVAL_MS));
      if (this.#intervalsMs.length > RHYTHM) this.#intervalsMs.shift();
    }
    this.lastMs = nowMs;
  }

  /** The lower median, so that of two intervals the shorter counts; 0 before the second beat. */
  get intervalMs(): number {
    const sorted = this.#intervalsMs.toSorted((a, b) => a - b);
    return sorted[(sorted.length - 1) >> 1] ?? 0;
  }
}

/** Tells whether frames flow, from the moments at which they did. Times are `performance.now()` milliseconds. */
export class FlowHealth implements Health {
  readonly #service: string;
  readonly #what: string;
  readonly #connected: () => boolean;
  /** Found gone, and no frame since. */
  #lost = false;
  readonly #frames = new Rhythm();
  /** When the next frame is due, for a service that knows. */
  #nextMs = Number.NEGATIVE_INFINITY;
  readonly #refusals = new Rhythm();
  /** The last one's reason, until a frame comes. */
  #refusal: string | undefined;

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
    this.#refusal = undefined;
    this.#frames.beat(nowMs);
    return began;
  }

  /** Tells when the next frame is due, for a service that knows: until then its absence says nothing. */
  due(nextMs: number): void {
    this.#nextMs = nextMs;
  }

  refused(reason: string, nowMs = performance.now()): void {
    this.#refusal = reason;
    this.#refusals.beat(nowMs);
  }

  /**
   * Whether the last frame is longer ago, or the next longer overdue, than this source explains: by its rhythm while it
   * is connected, and not at all once it is gone. True before the first frame.
   */
  stalled(nowMs = performance.now()): boolean {
    const { lastMs } = this.#frames;
    if (lastMs === undefined) return true;
    const quietMs = nowMs - Math.max(lastMs, this.#nextMs);
    // First, so that a frame that is on time costs one comparison and no look at the rhythm.
    if (quietMs <= STALL_MS) return false;
    // A connection that stands again is no frame yet.
    this.#lost ||= !this.#connected();
    return this.#lost || quietMs > STALL_INTERVALS * this.#frames.intervalMs;
  }

  get lastMs(): number | undefined {
    return this.#frames.lastMs;
  }

  /** Why messages are being refused just now, if they are: as slowly as they come, while nothing better does. */
  refusing(nowMs = performance.now()): string | undefined {
    const { lastMs } = this.#refusals;
    if (lastMs === undefined) return undefined;
    const quietMs = nowMs - lastMs;
    if (quietMs < STALL_MS) return this.#refusal;
    return this.#connected() && quietMs <= STALL_INTERVALS * this.#refusals.intervalMs
      ? this.#refusal
      : undefined;
  }

  alive(): Verdict {
    return { ok: true, message: `${this.#service} is alive` };
  }

  ready(nowMs = performance.now()): Verdict {
    if (!this.stalled(nowMs)) return { ok: true, message: 'frames flow' };
    const refusal = this.refusing(nowMs);
    if (refusal !== undefined) return { ok: false, message: `${this.#what} are refused: ${refusal}` };
    const { lastMs } = this.#frames;
    if (lastMs === undefined) return { ok: false, message: `waiting for ${this.#what}` };
    const agoS = ((nowMs - lastMs) / 1000).toFixed(1);
    return { ok: false, message: `no ${this.#what} for ${agoS} s` };
  }
}
