/** A verdict and its reason, in words for an operator. */
export interface Verdict {
  ok: boolean;
  message: string;
}

/**
 * `ready`: whether frames flow. `alive`: whether this process works; it stays true while only a neighbour is missing, so
 * that a supervisor never kills a service for another's fault.
 */
export interface Health {
  alive(): Verdict;
  ready(): Verdict;
}

/** Frames that come more slowly than this are judged by their own rhythm. A quick reconnect takes less. */
const STALL_MS = 1500;
/** A slow clip counts as stalled after this many of its own intervals without a frame. */
const STALL_INTERVALS = 3;
const LONGEST_INTERVAL_MS = 60_000;
/** Intervals in the median, so that one late frame does not shift it. */
const RHYTHM = 5;

/** When something last happened, and how often it does. Times are `performance.now()` milliseconds. */
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

  /** The lower median: of two intervals, the shorter. 0 before the second beat. */
  get intervalMs(): number {
    const sorted = this.#intervalsMs.toSorted((a, b) => a - b);
    return sorted[(sorted.length - 1) >> 1] ?? 0;
  }
}

/** Judges whether frames flow from the moments at which they came. Times are `performance.now()` milliseconds. */
export class FlowHealth implements Health {
  readonly #service: string;
  readonly #what: string;
  readonly #connected: () => boolean;
  readonly #fault: () => string | undefined;
  /** The peer was found gone, and no frame has come since. */
  #lost = false;
  readonly #frames = new Rhythm();
  /** When the next frame is due, for a service that knows. */
  #nextMs = Number.NEGATIVE_INFINITY;
  readonly #refusals = new Rhythm();
  /** The reason of the last refusal, until a frame comes. */
  #refusal: string | undefined;

  /** Why nothing can flow, whatever comes. */
  #blocked: string | undefined;

  /**
   * @param what what flows, for the message: "frames from playback at tcp://localhost:5555"
   * @param connected whether the transport to the peer is up
   * @param fault why it is not, if that is known
   */
  constructor(
    service: string,
    what: string,
    connected = () => true,
    fault: () => string | undefined = () => undefined,
  ) {
    this.#fault = fault;
    this.#service = service;
    this.#what = what;
    this.#connected = connected;
  }

  /** Notes a frame. Returns true if it is the first, or the first after a stall. */
  flowed(nowMs = performance.now()): boolean {
    const began = this.stalled(nowMs);
    this.#lost = false;
    this.#refusal = undefined;
    this.#frames.beat(nowMs);
    return began;
  }

  /** Notes when the next frame is due, for a service that knows: before that, no frame means no stall. */
  due(nextMs: number): void {
    this.#nextMs = nextMs;
  }

  /** Notes why nothing can flow, e.g. because a port is taken; undefined once it can. */
  blocked(why: string | undefined): void {
    this.#blocked = why;
  }

  refused(reason: string, nowMs = performance.now()): void {
    this.#refusal = reason;
    this.#refusals.beat(nowMs);
  }

  /**
   * Returns whether frames have stopped: none for longer than the rhythm explains while the peer is connected, or at all
   * once it is gone. True before the first frame.
   */
  stalled(nowMs = performance.now()): boolean {
    const { lastMs } = this.#frames;
    if (lastMs === undefined) return true;
    const quietMs = nowMs - Math.max(lastMs, this.#nextMs);
    // First, so that a frame on time costs one comparison and no median.
    if (quietMs <= STALL_MS) return false;
    // A peer that is back has not sent a frame yet.
    this.#lost ||= !this.#connected();
    return this.#lost || quietMs > STALL_INTERVALS * this.#frames.intervalMs;
  }

  get lastMs(): number | undefined {
    return this.#frames.lastMs;
  }

  /** Returns why messages are being refused, if they are: judged by the rhythm in which they come, until a frame does. */
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
    if (this.#blocked !== undefined) return { ok: false, message: this.#blocked };
    if (!this.stalled(nowMs)) return { ok: true, message: 'frames flow' };
    const refusal = this.refusing(nowMs);
    if (refusal !== undefined) return { ok: false, message: `${this.#what} are refused: ${refusal}` };
    const { lastMs } = this.#frames;
    const fault = this.#fault();
    const why = fault === undefined ? '' : `: ${fault}`;
    if (lastMs === undefined) return { ok: false, message: `waiting for ${this.#what}${why}` };
    const agoS = ((nowMs - lastMs) / 1000).toFixed(1);
    return { ok: false, message: `no ${this.#what} for ${agoS} s${why}` };
  }
}
