import type { IncomingMessage } from 'node:http';
import { headerValues } from './client-address.ts';

const SESSION = 'noaa';
/** With TLS the browser itself sees to it that no other host of the domain has set it. */
const nameOf = (name: string, secure: boolean) => (secure ? `__Host-${name}` : name);

/** Returns what a request's cookie of ours holds. Without a name it is that of the session. */
export function readCookie(
  request: IncomingMessage,
  secure: boolean,
  cookie: string = SESSION,
): string | undefined {
  const name = nameOf(cookie, secure);
  for (const header of headerValues(request, 'cookie')) {
    for (const pair of header.split(';')) {
      const at = pair.indexOf('=');
      if (pair.slice(0, Math.max(at, 0)).trim() === name) return pair.slice(at + 1).trim();
    }
  }
  return undefined;
}

/** Returns the header that sets the cookie, or that removes it if its time is 0. */
export function setCookie(value: string, seconds: number, secure: boolean, cookie: string = SESSION): string {
  return `${nameOf(cookie, secure)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure ? '; Secure' : ''}`;
}
