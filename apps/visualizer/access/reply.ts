import type { IncomingMessage, ServerResponse } from 'node:http';
import { headerValues } from './client-address.ts';

const HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Answers a request whole. */
export function send(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string | string[]> = {},
): void {
  const all = {
    ...HEADERS,
    Vary: 'Cookie, Authorization',
    ...headers,
    'Content-Length': Buffer.byteLength(body),
  };
  response.writeHead(status, all);
  if (response.req.method === 'HEAD') response.end();
  else response.end(body);
}

/** Whether a person's browser asks for a page. */
export function isNavigation(request: IncomingMessage): boolean {
  const [accepted = ''] = headerValues(request, 'accept');
  return request.method === 'GET' && /\btext\/html\b/.test(accepted);
}

/**
 * Whether a request comes from a page of this server, and not from one of another site. Every browser says so of a form that
 * is posted; a program says nothing.
 */
export function isOwn(request: IncomingMessage): boolean {
  const sites = headerValues(request, 'sec-fetch-site');
  if (sites.length > 0) return sites.every(site => site === 'same-origin' || site === 'none');
  const [origin] = headerValues(request, 'origin');
  if (origin === undefined) return true;
  const [host] = [...headerValues(request, ':authority'), ...headerValues(request, 'host')];
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
