import type { EndedSessions } from './ended-sessions.ts';
import type { LiveUsers } from './live-users.ts';
import { type Claims, newId, nowSeconds, type Tokens } from './tokens.ts';

export interface SessionParts {
  tokens: Tokens;
  users: LiveUsers | undefined;
  lifeSeconds: number;
  ended: EndedSessions;
}

export interface Session {
  user?: string;
  isValid(): boolean;
}

/**
 * Sessions as signed cookies. A session of a user ends with the user's password, and every session ends at its time or when it
 * is logged out. A restart with the same key ends none, if it still knows who has logged out; otherwise it ends those of users.
 */
export class Sessions {
  readonly #parts: SessionParts;
  /** Is part of what a user's session is tied to. */
  readonly #start: string;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#start = parts.ended.isKept ? '' : newId();
  }

  /** Returns a cookie for a user whose password was right. Each has an id of its own. */
  open(user: string): { cookie: string; seconds: number } {
    const print = this.#printOf(user);
    return this.#sign({
      expires: nowSeconds() + this.#parts.lifeSeconds,
      id: newId(),
      user,
      ...(print !== undefined && { print }),
    });
  }

  /** Returns a cookie for a link that has not expired. It lasts no longer than the link. */
  openByLink(link: string): { cookie: string; seconds: number } | undefined {
    const claims = this.#parts.tokens.verify('link', link);
    return claims && this.#sign({ expires: claims.expires, id: newId() });
  }

  /** Returns the session of a cookie, if it is one of ours and still lasts. */
  find(cookie: string): Session | undefined {
    const claims = this.#parts.tokens.verify('session', cookie);
    if (!claims) return undefined;
    const isValid = () => this.#isValid(claims);
    if (!isValid()) return undefined;
    return { ...(claims.user !== undefined && { user: claims.user }), isValid };
  }

  /** Ends the session of a cookie. The cookie is refused from now on; the promise is for restarts. */
  async end(cookie: string): Promise<void> {
    const claims = this.#parts.tokens.verify('session', cookie);
    if (claims) await this.#parts.ended.add(claims.id, claims.expires);
  }

  #isValid({ id, expires, user, print }: Claims): boolean {
    if (expires <= nowSeconds() || this.#parts.ended.has(id)) return false;
    return user === undefined || (print !== undefined && this.#printOf(user) === print);
  }

  #sign(claims: Claims): { cookie: string; seconds: number } {
    return { cookie: this.#parts.tokens.sign('session', claims), seconds: claims.expires - nowSeconds() };
  }

  #printOf(user: string): string | undefined {
    const hash = this.#parts.users?.hashOf(user);
    return hash === undefined ? undefined : this.#parts.tokens.print(hash + this.#start);
  }
}
