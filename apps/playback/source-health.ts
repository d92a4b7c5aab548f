import { FlowHealth, type Health, type Verdict } from '../common/health.ts';

/** Without a frame for this long, and without a reason, playback itself is at fault: a decoder is given up after 30 s. */
const STUCK_MS = 90_000;

/** Whether frames flow, and if not, why. A file that can't be played is no fault of playback's, which stays alive. */
export class SourceHealth implements Health {
  readonly #flow: FlowHealth;
  #lost: string | undefined;

  constructor(path: string) {
    this.#flow = new FlowHealth('playback', `frames out of ${path}`);
  }

  /** A frame, new or repeated, was published. */
  flowed(nowMs = performance.now()): void {
    this.#lost = undefined;
    this.#flow.flowed(nowMs);
  }

  /** The next frame is due then. */
  due(nextMs: number): void {
    this.#flow.due(nextMs);
  }

  /** Nothing can be played, for this reason, until a frame comes. */
  lost(reason: string): void {
    this.#lost = reason;
  }

  /** Nothing can be published, e.g. because the port is taken; undefined once it can. */
  blocked(why: string | undefined): void {
    this.#flow.blocked(why);
  }

  alive(nowMs = performance.now()): Verdict {
    const { lastMs } = this.#flow;
    const isStuck = lastMs !== undefined && nowMs - lastMs > STUCK_MS && this.#lost === undefined;
    if (!isStuck || !this.#flow.stalled(nowMs)) return this.#flow.alive();
    return {
      ok: false,
      message: `playback has published nothing for ${STUCK_MS / 1000} s and has no reason`,
    };
  }

  ready(nowMs = performance.now()): Verdict {
    const verdict = this.#flow.ready(nowMs);
    return verdict.ok || this.#lost === undefined ? verdict : { ok: false, message: this.#lost };
  }
}
