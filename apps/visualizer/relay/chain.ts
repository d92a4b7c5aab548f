import { randomBytes } from 'node:crypto';

/** The header with which a relay and the visualizer that it watches name themselves and those before them. */
export const CHAIN_HEADER = 'X-Relay';

const ID = /^[\da-f]{16}$/;
/** Relays in a row; a tree of this depth serves any number of viewers. */
const MOST = 16;

/**
 * The visualizers through which a picture has come here, by random ids that each process draws for itself. A relay whose
 * own id is among those before it watches itself, directly or in a ring, whatever names and proxies are in between.
 */
export class Chain {
  readonly own = randomBytes(8).toString('hex');
  #before: readonly string[] = [];

  /** This process first, then those before it, nearest first. */
  get ids(): string[] {
    return [this.own, ...this.#before];
  }

  /** Takes note of those before us. Returns whether we are among them; if so, they are not taken. */
  leadsHere(before: readonly string[]): boolean {
    const leads = before.includes(this.own);
    this.#before = leads ? [] : before;
    return leads;
  }
}

/** Returns the ids of a header or of a status; undefined if they are none, or too many. */
export function parseChain(value: unknown): string[] | undefined {
  const ids = typeof value === 'string' ? value.split(/, */) : value;
  if (!Array.isArray(ids) || ids.length < 1 || ids.length > MOST) return undefined;
  return ids.every(id => typeof id === 'string' && ID.test(id)) ? ids : undefined;
}
