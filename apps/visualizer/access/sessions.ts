import type { LiveUsers } from './live-users.ts';
import { type Claims, newId, nowSeconds, type Tokens } from './tokens.ts';

/** Sessions that were logged out before their time. The oldest is forgotten when there are more. */
const MOST_ENDED = 10_000;

export interface Session {
  user?: string;
  isValid(): boolean;
}

/**
 * Sessions as signed cookies: a restart with the same key ends none. A session of a user ends with the user's password, and
 * every session ends at its time or when it is logged out.
 */
export class Sessions {
  readonly #tokens: Tokens;
  readonly #users: LiveUsers | undefined;
  readonly #lifeSeconds: number;
  /** Ids of sessions that were logged out, with the time at which they would have ended. */
  readonly #ended = new Map<string, number>();

  constructor(tokens: Tokens, users: LiveUsers | undefined, lifeSeconds: number) {
    this.#tokens = tokens;
    this.#users = users;
    this.#lifeSeconds = lifeSeconds;
  }

  /** Returns a cookie for a user whose password was right. Each has an id of its own. */
  open(user: string): { cookie: string; seconds: number } {
    const print = this.#printOf(user);
    return this.#sign({
      expires: nowSeconds() + this.#lifeSeconds,
      id: newId(),
      user,
      ...(print !== undefined && { print }),
    });
  }

  /** Returns a cookie for a link that has not expired. It lasts no longer than the link. */
  openByLink(link: string): { cookie: string; seconds: number } | undefined {
    const claims = this.#tokens.verify('link', link);
    return claims && this.#sign({ expires: claims.expires, id: newId() });
  }

  /** Returns the session of a cookie, if it is one of ours and still lasts. */
  find(cookie: string): Session | undefined {
    const claims = this.#tokens.verify('session', cookie);
    if (!claims) return undefined;
    const isValid = () => this.#isValid(claims);
    if (!isValid()) return undefined;
    return { ...(claims.user !== undefined && { user: claims.user }), isValid };
  }

  /** Ends the session of a cookie. The cookie is refused from now on. */
  end(cookie: string): void {
    const claims = this.#tokens.verify('session', cookie);
    if (!claims) return;
    this.#ended.set(claims.id, claims.expires);
    if (this.#ended.size <= MOST_ENDED) return;
    const now = nowSeconds();
    for (const [id, expires] of this.#ended) if (expires <= now) this.#ended.delete(id);
    if (this.#ended.size > MOST_ENDED) this.#ended.delete(this.#ended.keys().next().value!);
  }

  #isValid({ id, expires, user, print }: Claims): boolean {
    if (expires <= nowSeconds() || this.#ended.has(id)) return false;
    return user === undefined || (print !== undefined && this.#printOf(user) === print);
  }

  #sign(claims: Claims): { cookie: string; seconds: number } {
    return { cookie: this.#tokens.sign('session', claims), seconds: claims.expires - nowSeconds() };
  }

  #printOf(user: string): string | undefined {
    const hash = this.#users?.hashOf(user);
    return hash === undefined ? undefined : this.#tokens.print(hash);
  }
}
