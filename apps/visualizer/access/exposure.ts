import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Logger } from '../../common/log.ts';
import { headerValues } from './client-address.ts';

const REMEDY =
  'set USERS_FILE, CLIENT_CA_FILE or TRUSTED_USER_HEADER (docs/access.md), or publish it on 127.0.0.1 only';

/** Warns once if anybody on the network may watch. */
export class Exposure {
  readonly #log: Logger;
  #warned = false;

  /** @param listensOn where the service listens; undefined in a container, where whatever publishes its port decides */
  constructor(log: Logger, listensOn: string | undefined) {
    this.#log = log;
    if (listensOn !== undefined && !isLoopback(listensOn)) this.#warn(`on ${listensOn}`);
  }

  /** Notes a request. The name that it uses shows whether it came from beyond this machine. */
  asked(request: IncomingMessage): void {
    if (this.#warned) return;
    const [host] = [...headerValues(request, ':authority'), ...headerValues(request, 'host')];
    const name = host?.replace(/:\d*$/, '');
    if (name && !isLoopback(name)) this.#warn(`as ${name}`);
  }

  #warn(where: string): void {
    this.#warned = true;
    this.#log.warn(`ANYBODY WHO CAN REACH THE PICTURE ${where} MAY WATCH IT: there is no login; ${REMEDY}`);
  }
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
  if (isIP(bare)) return loopback.check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4');
  return bare === 'localhost' || bare.endsWith('.localhost');
}
