import { setTimeout as sleep } from 'node:timers/promises';
import { asError, Fault } from './errors.ts';

/** Where a service listens or connects over TCP. */
export interface Endpoint {
  /** A name or an address; an IPv6 address is in brackets, and `*` is every address of this host. */
  host: string;
  port: number;
  /** The variable that holds the port, for messages. */
  variable: string;
  /** What a subscriber has to know to be let in; none if it is open to all. */
  secret?: string | undefined;
  /**
   * If it is there, a port that is taken is tried again until it is free. Called with the reason after each attempt, and
   * with undefined when the port could be had.
   */
  onTaken?: ((why: string | undefined) => void) | undefined;
}

/** What may pass by itself: another process ends, an interface comes up. */
const PASSING = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'ENODEV']);
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

/** Returns the endpoint as libzmq writes it. */
export const address = ({ host, port }: Endpoint): string => `tcp://${host}:${port}`;

/** Whether the host is an IPv6 address. Names resolve to IPv4, which is what a peer on 127.0.0.1 answers. */
export const isIpv6 = ({ host }: Endpoint): boolean => host.startsWith('[');

/** Returns the host as Node takes it: an IPv6 address without brackets, and undefined for every address. */
export const nodeHost = ({ host }: Endpoint): string | undefined =>
  host === '*' ? undefined : host.replace(/^\[(.*)\]$/, '$1');

/** Returns where libzmq would connect to: a name may have addresses of IPv4 and of IPv6, and libzmq takes only one kind. */
export const nodeTarget = (endpoint: Endpoint): { host: string; port: number; family: 4 | 6 } => ({
  host: nodeHost(endpoint) ?? 'localhost',
  port: endpoint.port,
  family: isIpv6(endpoint) ? 6 : 4,
});

const hostVariableOf = ({ variable }: Endpoint): string => variable.replace('PORT', 'HOST');

/** Returns the variable that names the file of the endpoint's secret. */
export const secretVariable = ({ variable }: Endpoint): string => variable.replace('PORT', 'SECRET_FILE');

/** Returns the fault for an endpoint that libzmq refuses at once. It looks names up later, so the spelling is wrong. */
export function cannotConnect(endpoint: Endpoint, thrown: unknown): Fault {
  const error = asError(thrown);
  return new Fault(
    'bad-configuration',
    `${hostVariableOf(endpoint)}=${JSON.stringify(endpoint.host)} is no address to connect to (${error.message}); ` +
      'set it to the host name or IP address of the peer',
    { cause: error },
  );
}

/** Returns the fault for a port or an address that can't be had, from an error of libzmq or of Node. */
export function cannotListen(endpoint: Endpoint, thrown: unknown): Fault {
  const error = asError(thrown);
  const { host, port, variable } = endpoint;
  const hostVariable = hostVariableOf(endpoint);
  const why: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is already taken; set ${variable} to a free port`,
    EACCES: `port ${port} needs rights this user does not have; set ${variable} to 1024 or above`,
    EADDRNOTAVAIL: `${host} is not an address of this host; set ${hostVariable} to one that is`,
    ENODEV: `${host} is not an address or interface of this host; set ${hostVariable} to one that is`,
    ENOTFOUND: `${host} is not an address of this host; set ${hostVariable} to one that is`,
  };
  return new Fault(
    'cannot-listen',
    why[error.code ?? ''] ?? `cannot listen on ${host}:${port}: ${error.message}`,
    { cause: error },
  );
}

/**
 * Listens on an endpoint, again and again if the endpoint allows for that and the reason may pass.
 *
 * @throws Fault `cannot-listen`; AbortError if `signal` is aborted while it waits
 */
export async function listenWhenFree<T>(
  endpoint: Endpoint,
  signal: AbortSignal,
  listen: () => Promise<T>,
): Promise<T> {
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(2 * waitMs, LAST_RETRY_MS)) {
    try {
      const listening = await listen();
      endpoint.onTaken?.(undefined);
      return listening;
    } catch (thrown) {
      const fault = cannotListen(endpoint, thrown);
      if (!endpoint.onTaken || !PASSING.has(asError(thrown).code ?? '')) throw fault;
      endpoint.onTaken(fault.message);
    }
    await sleep(waitMs, undefined, { signal });
  }
}
