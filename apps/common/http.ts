import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { onAbort } from './abort.ts';
import type { Refusal } from './allowed-hosts.ts';
import { Connections } from './connections.ts';
import { type Endpoint, listenWhenFree, nodeHost } from './endpoint.ts';
import { inTurn } from './in-turn.ts';

/** What clients may use of a server, and for how long. */
export interface Limits {
  connections: number;
  /** How long a request may take to arrive, from the connection on. */
  requestMs?: number;
  /** How long a client may read nothing of its answer. A stream sets a time of its own. */
  untakenMs?: number;
  /** Whether a request may have a body, which its handler reads. Without it none may. */
  takesBody?: (request: IncomingMessage) => boolean;
  /** Sets the headers that every answer has, refusals too. */
  dress?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A server of HTTP, with TLS or without. */
export interface WebServer extends Server {
  /** How long a client may read nothing of its answer, in milliseconds. */
  timeout: number;
  closeAllConnections(): void;
}

/** Returns a server that hands its requests to the listener. */
export type CreateServer = (options: ServerOptions, listener: RequestListener) => WebServer;

/** Returns why a request is refused before anything handles it, if it is. */
export type Check = (request: IncomingMessage) => Refusal | undefined;

const REQUEST_MS = 5000;
const UNTAKEN_MS = 10_000;

/** Headers of an answer of one sentence. Sites on other origins get nothing from it. */
const REFUSAL_HEADERS = {
  'Content-Type': 'text/plain; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * Creates an HTTP server of which clients cannot use more than its limits.
 *
 * A request with a body is refused unless its path takes one, because Node would wait for it.
 */
export function createBoundedServer(
  handle: RequestListener,
  limits: Limits,
  check: Check = () => undefined,
  create: CreateServer = createServer,
): WebServer {
  const { connections, requestMs = REQUEST_MS, untakenMs = UNTAKEN_MS, takesBody = () => false } = limits;
  const all = new Connections(connections);
  const server = create(
    { headersTimeout: requestMs, requestTimeout: requestMs, connectionsCheckingInterval: requestMs / 5 },
    inTurn((request, response) => {
      response.once('close', all.began(request.socket));
      limits.dress?.(request, response);
      const refusal = (takesBody(request) ? undefined : bodyRefusal(request)) ?? check(request);
      if (refusal) refuse(response, refusal);
      else handle(request, response);
    }),
  );
  // A client that closes its sending half after its request still reads the answer. @types/node does not have this.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.timeout = untakenMs;
  server.on('connection', socket => all.opened(socket));
  return server;
}

function bodyRefusal({ headers }: IncomingMessage): Refusal | undefined {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return hasBody
    ? { status: 413, message: 'Nothing here takes a body; send the request without a body' }
    : undefined;
}

function refuse(response: ServerResponse, { status, message }: Refusal): void {
  const body = `${message}\n`;
  // A body that follows is not read, so the connection cannot be used again. HTTP/2 ends only the stream.
  const connection = response.req.httpVersionMajor < 2 ? { Connection: 'close' } : {};
  response
    .writeHead(status, { ...REFUSAL_HEADERS, ...connection, 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}

/**
 * Listens until `signal` is aborted, then drops every connection.
 *
 * @throws Fault `cannot-listen`
 */
export async function listen(
  server: WebServer,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<AddressInfo> {
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
