import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onAbort } from './abort.ts';
import { type Endpoint, listenWhenFree, nodeHost } from './endpoint.ts';

/** What clients may hold of a server, and for how long. */
export interface Limits {
  connections: number;
  /** How long a request may take to come, from the connection on. */
  requestMs?: number;
  /** How long a client may take nothing of its answer. A stream sets a time of its own. */
  untakenMs?: number;
}

const REQUEST_MS = 5000;
const UNTAKEN_MS = 10_000;

/**
 * An HTTP server that clients can't make hold more than its limits.
 *
 * Where all connections are taken, the one that has been without a request for longest makes room, so that whoever only
 * holds one open keeps nobody out, a health check least of all. Requests that are sent before the answer to the one before
 * (RFC 9112, 9.3.2: pipelined, which no browser does) end the connection: Node would have all of them answered at once,
 * two thousand to a packet of 64 kB, and hold the answers.
 */
export function createBoundedServer(
  handle: RequestListener,
  { connections, requestMs = REQUEST_MS, untakenMs = UNTAKEN_MS }: Limits,
): Server {
  let open = 0;
  /** Connections without a request, the one that has been so for longest first. */
  const idle = new Set<Socket>();
  const server = createServer(
    { headersTimeout: requestMs, requestTimeout: requestMs, connectionsCheckingInterval: requestMs / 5 },
    (request, response) => {
      const { socket } = request;
      // A response has no socket yet while another stands before it.
      if (!response.socket) {
        socket.destroy();
        return;
      }
      idle.delete(socket);
      response.once('close', () => {
        if (!socket.destroyed) idle.add(socket);
      });
      handle(request, response);
    },
  );
  server.timeout = untakenMs;
  server.on('connection', socket => {
    if (open >= connections) {
      const [longest = socket] = idle;
      longest.destroy();
    }
    open += 1;
    idle.add(socket);
    socket.once('close', () => {
      open -= 1;
      idle.delete(socket);
    });
  });
  return server;
}

/**
 * Listens until `signal` is aborted, then drops every connection.
 *
 * @throws Fault `cannot-listen`
 */
export async function listen(server: Server, endpoint: Endpoint, signal: AbortSignal): Promise<AddressInfo> {
  // Without a host, Node listens on every IPv4 and IPv6 address, or on IPv4 only if the kernel has no IPv6.
  const host = nodeHost(endpoint);
  await listenWhenFree(endpoint, signal, async () => {
    const listening = once(server, 'listening');
    server.listen({ ...(host !== undefined && { host }), port: endpoint.port });
    await listening;
  });
  const bound = server.address() as AddressInfo;
  onAbort(signal, () => {
    server.close();
    server.closeAllConnections();
  });
  return bound;
}
