import type { IncomingMessage } from 'node:http';
import { headerValues } from './client-address.ts';

/** What an `Authorization` header offers; `value` has no spaces and at most 2048 characters. */
export interface Authorization {
  scheme: 'basic' | 'bearer';
  value: string;
}

/**
 * Returns what a request offers to be let in with; undefined if that is nothing, or of another scheme. Two such headers are
 * `ambiguous`: what stands before this service may have looked at the other one. RFC 9110, 11.6.2.
 */
export function authorizationOf(request: IncomingMessage): Authorization | 'ambiguous' | undefined {
  const [header = '', ...more] = headerValues(request, 'authorization');
  if (more.length > 0) return 'ambiguous';
  const [, scheme, value] = /^(basic|bearer) +(\S{1,2048})$/i.exec(header) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  return { scheme: scheme.toLowerCase() as Authorization['scheme'], value };
}

/** Returns the token that a request offers (RFC 6750), or '' if there is none, which no token is. */
export function bearerToken(request: IncomingMessage): string {
  const offered = authorizationOf(request);
  return typeof offered === 'object' && offered.scheme === 'bearer' ? offered.value : '';
}

/** Returns the user and password of a `basic` value (RFC 7617), or nothing if it has none. */
export function basicCredentials(value: string): [user?: string, password?: string] {
  if (!/^[\w~+/=-]+$/.test(value)) return [];
  const text = Buffer.from(value, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? [] : [text.slice(0, colon), text.slice(colon + 1)];
}
