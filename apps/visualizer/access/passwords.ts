import { createHmac, randomBytes } from 'node:crypto';
import type { LiveUsers } from './live-users.ts';
import { HASH_OF_NOBODY, verifyPassword } from './password.ts';
import { addressKey, Throttle } from './throttle.ts';

/** Players send the password with every request; a right one is not checked again for this long. */
const REMEMBER_MS = 300_000;
const REMEMBERED = 1024;
/** Checks that wait. Each takes 40 ms of one thread. */
const MOST_WAITING = 256;
const MOST_OF_ADDRESS = 4;
export const LONGEST_PASSWORD = 512;

export type Verdict = { right: true } | { right: false; waitMs: number };
const RIGHT: Verdict = { right: true };

/**
 * Checks passwords: one at a time, because each check takes one of the threads that encode pictures. An unknown user costs
 * the same time as a wrong password.
 */
export class Passwords {
  readonly #users: LiveUsers;
  readonly #throttle = new Throttle();
  /** Names a password without keeping it. Only this process knows the key. */
  readonly #key = randomBytes(32);
  readonly #right = new Map<string, number>();
  readonly #checks = new Map<string, Promise<boolean>>();
  readonly #ofAddress = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(users: LiveUsers) {
    this.#users = users;
  }

  /** Returns whether this is the user's password; if not, how long no other is checked. */
  async check(address: string, user: string, password: string): Promise<Verdict> {
    if (password.length > LONGEST_PASSWORD) return { right: false, waitMs: 0 };
    const hash = this.#users.hashOf(user);
    const name = this.#nameOf(user, password, hash ?? '');
    // Before what is remembered: or someone who has to wait could try any number of passwords against that.
    const waitMs = this.#throttle.waitMs(address, user);
    if (waitMs > 0) return { right: false, waitMs };
    const untilMs = this.#right.get(name);
    if (untilMs !== undefined && untilMs > performance.now()) {
      this.#throttle.succeeded(address, user);
      return RIGHT;
    }
    const key = addressKey(address);
    const ofAddress = this.#ofAddress.get(key) ?? 0;
    // The same password again, e.g. of a wall of players, waits for the one check.
    const running = this.#checks.get(name);
    if (!running && (ofAddress >= MOST_OF_ADDRESS || this.#checks.size >= MOST_WAITING))
      return { right: false, waitMs: 1000 };
    this.#ofAddress.set(key, ofAddress + 1);
    try {
      const right = await (running ?? this.#queue(name, password, hash));
      if (!right) {
        this.#throttle.failed(address, user);
        return { right: false, waitMs: this.#throttle.waitMs(address, user) };
      }
      this.#throttle.succeeded(address, user);
      this.#remember(name);
      return RIGHT;
    } finally {
      const left = (this.#ofAddress.get(key) ?? 1) - 1;
      if (left > 0) this.#ofAddress.set(key, left);
      else this.#ofAddress.delete(key);
    }
  }

  #queue(name: string, password: string, hash: string | undefined): Promise<boolean> {
    const check = this.#last
      .then(() => verifyPassword(password, hash ?? HASH_OF_NOBODY))
      .then(right => right && hash !== undefined)
      .finally(() => this.#checks.delete(name));
    this.#checks.set(name, check);
    this.#last = check.catch(() => {});
    return check;
  }

  #remember(name: string): void {
    this.#right.delete(name);
    this.#right.set(name, performance.now() + REMEMBER_MS);
    if (this.#right.size > REMEMBERED) this.#right.delete(this.#right.keys().next().value!);
  }

  /** The hash is part of it, so that a new password makes the old one unknown. */
  #nameOf(user: string, password: string, hash: string): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([user, password, hash]))
      .digest('base64');
  }
}
