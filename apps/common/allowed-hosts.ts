import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** Why a request is not answered. */
export interface Refusal {
  status: 400 | 405 | 413 | 417 | 421;
  /** One sentence for the client. */
  message: string;
}

/** `name:port`, or an IPv6 address in brackets (RFC 9110, 7.2). */
const AUTHORITY = /^(?:\[([\da-f:.]+)\]|([^\s:/?#@,[\]]+))(?::\d*)?$/i;

/**
 * Returns a check that a request names this server.
 *
 * A website can have its own name resolve to this machine (DNS rebinding), and a browser then lets the site read the
 * answers, as being its own. An IP address, or a name that only this machine has, cannot be a website's name.
 *
 * @param names further names; `*.example.org` is every name below example.org, and `*` every name
 * @param boundTo where the server listens
 */
export function hostCheck(
  names: readonly string[],
  boundTo: string,
): (request: IncomingMessage) => Refusal | undefined {
  const machine = hostname().toLowerCase();
  const [first] = machine.split('.');
  const own = ['localhost', '*.localhost', machine, `${first}`, `${first}.local`, boundTo];
  const known = [...own, ...names].map(name => name.toLowerCase());
  const isKnown = (host: string) =>
    names.includes('*') || isIP(host) !== 0 || known.some(name => name === host || isBelow(host, name));

  return request => {
    const { httpVersion, url = '' } = request;
    const headers = hostsOf(request);
    if (headers.length > 1)
      return { status: 400, message: `The request has ${headers.length} Host headers; send one` };
    const named = [...headers, ...targetAuthority(url)];
    // HTTP/1.0 has no Host, and no browser speaks it.
    if (named.length === 0 && httpVersion === '1.0') return undefined;
    const hosts = named.map(hostOf);
    if (hosts.length === 0 || hosts.includes(undefined))
      return { status: 400, message: 'The Host of the request is no name or address' };
    const stranger = hosts.find(host => !isKnown(host!));
    if (stranger === undefined) return undefined;
    return {
      status: 421,
      message:
        `${JSON.stringify(stranger.slice(0, 255))} is not a name of this server. ` +
        'Use its IP address or localhost, or add the name to ALLOWED_HOSTS',
    };
  };
}

/** Returns every name that the headers call the server by. HTTP/2 has a header of its own for it. */
function hostsOf({ headersDistinct, rawHeaders, httpVersion }: IncomingMessage): string[] {
  if (httpVersion !== '2.0') return headersDistinct['host'] ?? [];
  const isName = (at: number) => at % 2 === 1 && /^(host|:authority)$/.test(rawHeaders[at - 1]!);
  return [...new Set(rawHeaders.filter((_, at) => isName(at)))];
}

function isBelow(host: string, pattern: string): boolean {
  return pattern.startsWith('*.') && host.endsWith(pattern.slice(1)) && host.length >= pattern.length;
}

/** Returns the host of a request for a whole address, which counts instead of the header (RFC 9112, 3.2.2). */
function targetAuthority(url: string): string[] {
  const [, authority] = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(url) ?? [];
  return authority === undefined ? [] : [authority];
}

function hostOf(authority: string): string | undefined {
  const [, address, name] = AUTHORITY.exec(authority) ?? [];
  return (address ?? name?.replace(/\.$/, ''))?.toLowerCase();
}
