import type { IncomingMessage } from 'node:http';
import { headerValues } from './client-address.ts';

const SESSION = 'noaa';
/** With TLS the browser itself sees to it that no other host of the domain has set it. */
const nameOf = (name: string, secure: boolean) => (secure ? `__Host-${name}` : name);

/**
 * Returns what a request's cookies of ours hold. Without a name they are those of the session. There can be several: without
 * TLS a page of another port or host of the domain can set one for a longer path, which comes first.
 */
export function readCookies(request: IncomingMessage, secure: boolean, cookie: string = SESSION): string[] {
  const name = nameOf(cookie, secure);
  return headerValues(request, 'cookie')
    .flatMap(header => header.split(';'))
    .map(pair => pair.split('='))
    .filter(([first = '', ...rest]) => rest.length > 0 && first.trim() === name)
    .map(([, ...rest]) => rest.join('=').trim());
}

/** Returns the header that sets the cookie, or that removes it if its time is 0. */
export function setCookie(value: string, seconds: number, secure: boolean, cookie: string = SESSION): string {
  return `${nameOf(cookie, secure)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure ? '; Secure' : ''}`;
}
