import type { IncomingMessage } from 'node:http';
import { headerValues } from './client-address.ts';

/** With TLS the browser itself sees to it that no other host of the domain has set it. */
const NAMES = { secure: '__Host-noaa', plain: 'noaa' };

/** Returns what a request's cookie of ours holds. */
export function readCookie(request: IncomingMessage, secure: boolean): string | undefined {
  const name = secure ? NAMES.secure : NAMES.plain;
  for (const header of headerValues(request, 'cookie')) {
    for (const pair of header.split(';')) {
      const at = pair.indexOf('=');
      if (pair.slice(0, Math.max(at, 0)).trim() === name) return pair.slice(at + 1).trim();
    }
  }
  return undefined;
}

/** Returns the header that sets the cookie, or that removes it if its time is 0. */
export function setCookie(value: string, seconds: number, secure: boolean): string {
  const name = secure ? NAMES.secure : NAMES.plain;
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure ? '; Secure' : ''}`;
}
