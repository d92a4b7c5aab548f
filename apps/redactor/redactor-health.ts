import type { FlowHealth, Health, Verdict } from '../common/health.ts';
import type { InForce } from './redaction.ts';

/** Ready while frames flow and it is known what to cover. A mask at fault is no reason to end the process. */
export class RedactorHealth implements Health {
  readonly #flow: FlowHealth;
  readonly #inForce: () => InForce;

  constructor(flow: FlowHealth, inForce: () => InForce) {
    this.#flow = flow;
    this.#inForce = inForce;
  }

  alive(): Verdict {
    return this.#flow.alive();
  }

  ready(): Verdict {
    const current = this.#inForce();
    return current.ok
      ? this.#flow.ready()
      : { ok: false, message: `nothing is published: ${current.detail}` };
  }
}
