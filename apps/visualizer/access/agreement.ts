import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { headerValues } from './client-address.ts';
import { readCookies, setCookie } from './cookies.ts';
import { isNavigation } from './reply.ts';
import type { Who } from './who.ts';

const COOKIE = 'noaa-consent';

/**
 * Whether a client has agreed to the text, if there is one. A login and a link ask for that before they open a session. Who
 * comes without a session has a cookie of the text from its page, or, as a program, `consent=yes` in the address or a header.
 */
export class Agreement {
  readonly #text: string | undefined;
  /** Another text has to be agreed to again. */
  readonly #digest: string;
  readonly #lifeSeconds: number;

  constructor(text: string | undefined, lifeSeconds: number) {
    this.#text = text;
    this.#digest = createHash('sha256')
      .update(text ?? '')
      .digest('base64url')
      .slice(0, 22);
    this.#lifeSeconds = lifeSeconds;
  }

  isMissing(request: IncomingMessage, { by }: Who, secure: boolean): boolean {
    if (this.#text === undefined || !isAsked(by)) return false;
    if (readCookies(request, secure, COOKIE).includes(this.#digest)) return false;
    // A page of another site can lead a person to any address.
    if (isNavigation(request) || headerValues(request, 'sec-fetch-site')[0] === 'cross-site') return true;
    if (headerValues(request, 'x-consent')[0] === 'yes') return false;
    return new URLSearchParams(request.url?.split('?')[1] ?? '').get('consent') !== 'yes';
  }

  /** Returns the cookie of who has agreed; undefined for those who need none. */
  cookieFor({ by }: Who, secure: boolean): string | undefined {
    if (this.#text === undefined || !isAsked(by)) return undefined;
    return setCookie(this.#digest, this.#lifeSeconds, secure, COOKIE);
  }
}

const isAsked = (by: Who['by']) => by === 'password' || by === 'certificate' || by === 'proxy';
