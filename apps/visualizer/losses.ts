import { LossWatch } from '../common/loss-watch.ts';
import type { ViewerStates } from './broadcast.ts';
import type { DropCause } from './messages.ts';

/** Half of the pictures later than this: the chain is too slow to be called live by anybody who looks at a clock. */
const LATE_MS = 500;
/** Most viewers are behind for this many looks. */
const BEHIND_LOOKS = 10;

interface Totals {
  received: number;
  encoded: number;
  recalled: number;
  dropped: Record<DropCause, number>;
  latencyMs: { p50: number | null };
}

export interface LossEvents {
  /** Frames are lost, viewers are behind or pictures come late; called once a second while it lasts. */
  slow(what: 'lost-upstream' | 'lost-encoder' | 'viewers-behind' | 'pictures-late', facts: string): void;
}

/** Looks once a second at what the counters say, and reports which part of the chain is too slow. */
export class Losses {
  readonly #events: LossEvents;
  readonly #upstream = new LossWatch();
  readonly #encoder = new LossWatch();
  #before: Totals = {
    received: 0,
    encoded: 0,
    recalled: 0,
    dropped: { upstream: 0, encoder: 0, viewer: 0 },
    latencyMs: { p50: null },
  };
  #behind = 0;

  constructor(events: LossEvents) {
    this.#events = events;
  }

  look(now: Totals, viewers: ViewerStates, nowMs = performance.now()): void {
    const before = this.#before;
    this.#before = now;
    const lost = this.#upstream.noted(
      now.dropped.upstream - before.dropped.upstream,
      now.received - before.received,
      nowMs,
    );
    if (lost) this.#events.slow('lost-upstream', lost);
    const made = now.encoded + now.recalled - before.encoded - before.recalled;
    const replaced = this.#encoder.noted(now.dropped.encoder - before.dropped.encoder, made, nowMs);
    if (replaced) this.#events.slow('lost-encoder', replaced);
    const { prompt, behind, halfClosed } = viewers;
    const all = prompt + behind + halfClosed;
    this.#behind = behind > all / 2 ? this.#behind + 1 : 0;
    if (this.#behind >= BEHIND_LOOKS) this.#events.slow('viewers-behind', `${behind} of ${all} viewers`);
    const { p50 } = now.latencyMs;
    // Over a minute, in which nothing may have come since.
    if (p50 !== null && p50 > LATE_MS && now.received > before.received)
      this.#events.slow('pictures-late', `${Math.round(p50)} ms`);
  }
}
