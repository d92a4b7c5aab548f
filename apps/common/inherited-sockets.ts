import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { onAbort } from './abort.ts';
import { asError, Fault } from './errors.ts';

/** The descriptor of the first socket, SD_LISTEN_FDS_START. */
const FIRST = 3;
/** More are a mistake: each is a listening socket that an operator wrote down. */
const MOST = 64;

/**
 * Returns the descriptors of the listening sockets that systemd, or a container engine in its place, has handed to this
 * process; sd_listen_fds(3) is the protocol. None if they are meant for another process.
 *
 * @throws Fault `bad-configuration`
 */
export function inheritedSockets(environment: NodeJS.ProcessEnv, pid: number): number[] {
  const { LISTEN_FDS: count, LISTEN_PID: meantFor } = environment;
  if (!count || meantFor !== String(pid)) return [];
  if (!/^\d{1,4}$/.test(count) || Number(count) > MOST) {
    throw new Fault(
      'bad-configuration',
      `LISTEN_FDS=${JSON.stringify(count)} must be the number of sockets that systemd hands over, at most ${MOST}; ` +
        'leave it to systemd',
    );
  }
  return Array.from({ length: Number(count) }, (_, at) => FIRST + at);
}

/** Connections that may wait in the socket, as in noaa.socket. Node would make it 511, for as long as systemd holds the socket. */
const BACKLOG = 4096;

/** A server that takes connections which another has accepted. */
interface TakesConnections {
  emit(event: 'connection', socket: Socket): boolean;
}

/**
 * Accepts connections of an inherited socket for a server, until `signal` is aborted. Those that come later wait in the
 * socket, which systemd keeps open. Returns its port.
 *
 * @throws Fault `cannot-listen`
 */
export async function acceptFrom(server: TakesConnections, fd: number, signal: AbortSignal): Promise<number> {
  // As http.createServer does for its own.
  const acceptor = createServer({ allowHalfOpen: true, noDelay: true }, socket =>
    server.emit('connection', socket),
  );
  try {
    const listening = once(acceptor, 'listening');
    acceptor.listen({ fd }, BACKLOG);
    await listening;
  } catch (thrown) {
    const error = asError(thrown);
    throw new Fault(
      'cannot-listen',
      `descriptor ${fd}, which systemd should have handed over (LISTEN_FDS), is no listening socket: ${error.message}; ` +
        'correct ListenStream= of the socket unit',
      { cause: error },
    );
  }
  onAbort(signal, () => acceptor.close());
  const address = acceptor.address();
  return typeof address === 'object' && address ? address.port : 0;
}
