/** This many wrong passwords in a row cost nothing: people mistype. */
const FREE = 5;
const FIRST_WAIT_MS = 1000;
/** Bounded, so that nobody can lock a user out for long, or an address behind which many people sit. */
const LONGEST_WAIT_MS = { address: 300_000, user: 30_000 };
/** A failure is forgotten after this time without another. */
const MEMORY_MS = 3_600_000;
/** At most this many addresses and this many users are remembered, the most recent. */
const REMEMBERED = 4096;

interface Failures {
  count: number;
  untilMs: number;
  lastMs: number;
}

/**
 * Slows down wrong passwords, per address and per user, in bounded memory. An address from which a user has logged in
 * before is exempt from that user's wait, so that a stranger who guesses cannot keep the user out.
 */
export class Throttle {
  readonly #failures = { address: new Map<string, Failures>(), user: new Map<string, Failures>() };
  readonly #known = new Set<string>();

  /** How many addresses, users and pairs are remembered. */
  get size(): number {
    return this.#failures.address.size + this.#failures.user.size + this.#known.size;
  }

  /** Returns for how many milliseconds no password of this user from this address is checked. */
  waitMs(address: string, user: string, nowMs = performance.now()): number {
    const ofAddress = this.#failures.address.get(addressKey(address))?.untilMs ?? 0;
    const ofUser = this.#isKnown(address, user) ? 0 : (this.#failures.user.get(user)?.untilMs ?? 0);
    return Math.max(0, ofAddress - nowMs, ofUser - nowMs);
  }

  failed(address: string, user: string, nowMs = performance.now()): void {
    this.#count('address', addressKey(address), nowMs);
    this.#count('user', user, nowMs);
  }

  /** Forgives the mistakes of this user. Those of others from the address stay, or a login of one's own would forgive guesses. */
  succeeded(address: string, user: string): void {
    const own = this.#failures.user.get(user)?.count ?? 0;
    this.#failures.user.delete(user);
    const ofAddress = this.#failures.address.get(addressKey(address));
    if (ofAddress && ofAddress.count <= own) this.#failures.address.delete(addressKey(address));
    else if (ofAddress) ofAddress.count -= own;
    const pair = pairOf(address, user);
    this.#known.delete(pair);
    this.#known.add(pair);
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.values().next().value!);
  }

  #isKnown(address: string, user: string): boolean {
    return this.#known.has(pairOf(address, user));
  }

  #count(kind: 'address' | 'user', key: string, nowMs: number): void {
    const failures = this.#failures[kind];
    const before = failures.get(key);
    const count = before && nowMs - before.lastMs < MEMORY_MS ? before.count + 1 : 1;
    const waitMs = count < FREE ? 0 : Math.min(FIRST_WAIT_MS * 2 ** (count - FREE), LONGEST_WAIT_MS[kind]);
    // The most recent comes last.
    failures.delete(key);
    failures.set(key, { count, untilMs: nowMs + waitMs, lastMs: nowMs });
    if (failures.size > REMEMBERED) failures.delete(failures.keys().next().value!);
  }
}

/** Returns what counts as one address: of IPv6 the first 64 bits, which one subscriber has whole. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const [left = '', right] = address.replace(/%.*/, '').split('::');
  const groups = left.split(':').filter(Boolean);
  const tail = right?.split(':').filter(Boolean) ?? [];
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - tail.length) }, () => '0');
  return `${[...groups, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
}

const pairOf = (address: string, user: string) => `${addressKey(address)} ${user}`;
