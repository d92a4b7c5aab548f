import type { Endpoint } from '../common/endpoint.ts';
import { asError, Fault } from '../common/errors.ts';
import { listen, type WebServer } from '../common/http.ts';
import { acceptFrom } from '../common/inherited-sockets.ts';

/**
 * Serves on the sockets that systemd has handed over and on the endpoint, which a health check in the container uses, until
 * `signal` is aborted. Outside of a container both may be the same port: systemd's is enough then.
 *
 * @param sockets descriptors
 * @throws Fault `cannot-listen`
 */
export async function serve(
  server: WebServer,
  endpoint: Endpoint,
  sockets: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  const ports: number[] = [];
  for (const fd of sockets) ports.push(await acceptFrom(server, fd, signal));
  if (!ports.includes(endpoint.port)) {
    await listen(server, endpoint, signal);
    return;
  }
  try {
    await listen(server, { ...endpoint, onTaken: undefined }, signal);
  } catch (thrown) {
    if (!(thrown instanceof Fault) || asError(thrown.cause).code !== 'EADDRINUSE') throw thrown;
  }
}
