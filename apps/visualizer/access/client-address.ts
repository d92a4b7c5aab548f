import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { type About, type Variable, variable } from '../../common/env.ts';

/** Addresses and ranges, as in `10.0.0.1, 192.168.0.0/24`. */
export function addressRanges(about: About<string[]>): Variable<string[]> {
  return variable(input => {
    const ranges = input.split(/[\s,]+/).filter(Boolean);
    const wrong = ranges.find(range => !isRange(range));
    if (wrong !== undefined)
      throw new Error(`must be IP addresses or ranges, as in 10.0.0.1, 192.168.0.0/24; ${wrong} is none`);
    return ranges;
  }, about);
}

function isRange(range: string): boolean {
  const [address = '', bits, ...rest] = range.split('/');
  const most = isIPv6(address) ? 128 : 32;
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most))
  );
}

/** Knows which peers are trusted proxies, and through them who the client is. */
export class Proxies {
  readonly #trusted = new BlockList();

  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const [address = '', bits] = range.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#trusted.addAddress(address, family);
      else this.#trusted.addSubnet(address, Number(bits), family);
    }
  }

  /** Returns whether the peer of this request's connection is a trusted proxy. */
  sent(request: IncomingMessage): boolean {
    return this.#isTrusted(peerOf(request));
  }

  /**
   * Returns the client's address. Of X-Forwarded-For only what trusted proxies have added counts: its last address that is
   * not theirs.
   */
  clientOf(request: IncomingMessage): string {
    let address = peerOf(request);
    const hops = headerValues(request, 'x-forwarded-for').flatMap(value => value.split(','));
    while (this.#isTrusted(address)) {
      const hop = plainAddress(hops.pop()?.trim() ?? '');
      if (hop === undefined) break;
      address = hop;
    }
    return address;
  }

  /** Returns whether the client's own connection is encrypted: as a trusted proxy says, or as ours is. */
  isSecure(request: IncomingMessage): boolean {
    const forwarded = headerValues(request, 'x-forwarded-proto');
    return (
      (request.socket as { encrypted?: boolean }).encrypted === true ||
      (forwarded.length === 1 && forwarded[0] === 'https' && this.sent(request))
    );
  }

  #isTrusted(address: string): boolean {
    return isIP(address) !== 0 && this.#trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}

/** Returns every value of a header, in HTTP/1.1 and in HTTP/2. */
export function headerValues({ rawHeaders }: IncomingMessage, name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.toLowerCase() === name) values.push(rawHeaders[at + 1]!);
  }
  return values;
}

function peerOf({ socket }: IncomingMessage): string {
  return plainAddress(socket.remoteAddress ?? '') ?? 'unknown';
}

/** Returns an address without port, brackets, zone, and IPv6's prefix of IPv4; undefined if it is none. */
function plainAddress(text: string): string | undefined {
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(text) ?? [];
  const bare = (bracketed ?? text.replace(/^([\d.]+):\d+$/, '$1')).replace(/%.*$/, '');
  const address = bare.replace(/^::ffff:(?=[\d.]+$)/i, '');
  return isIP(address) === 0 ? undefined : address.toLowerCase();
}
