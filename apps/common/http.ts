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
import { Answers } from './answers.ts';
import { Connections } from './connections.ts';
import { type Endpoint, listenWhenFree, nodeHost } from './endpoint.ts';
import { answerUnreadable, formRefusal, refuse, SAFE_HEADERS } from './http-refusal.ts';
import { inTurn } from './in-turn.ts';

/** What clients may use of a server, and for how long. */
export interface Limits {
  connections: number;
  /** How long a request may take to arrive, from the connection on. */
  requestMs?: number;
  /** How long a client may read nothing of its answer. A stream sets a time of its own. */
  untakenMs?: number;
  /** How long an answer may take as a whole, unless it is a stream. */
  answerMs?: number;
  /** How many bytes of answers that are not streams may wait for clients. */
  heldBytes?: number;
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
/** Enough for the largest picture over a line of 150 kbit/s. A client that reads a byte now and then is never silent. */
const ANSWER_MS = 120_000;
const HELD_BYTES = 64 * 2 ** 20;

/** RFC 9113, 7. Importing it would load all of HTTP/2. */
const HTTP2_CANCEL = 8;

/** What can be noted of an answer that is under way. */
const underWay = new WeakMap<ServerResponse, { lasts(): void; holds(bytes: number): void }>();

/** Lets an answer last: it is a stream, and the caller disconnects clients that do not take it. */
export function lasts(response: ServerResponse): void {
  underWay.get(response)?.lasts();
}

/** Notes how many bytes an answer has, before they are written. For those of a client that takes nothing, others are cut. */
export function holds(response: ServerResponse, bytes: number): void {
  underWay.get(response)?.holds(bytes);
}

/**
 * Creates an HTTP server of which clients cannot use more than its limits.
 *
 * A request with a body is refused unless its path takes one, because Node would wait for it.
 */
export function createBoundedServer(
  handle: RequestListener,
  limits: Limits,
  check: Check = () => undefined,
  create: CreateServer = createPlain,
): WebServer {
  const { connections, requestMs = REQUEST_MS, untakenMs = UNTAKEN_MS, answerMs = ANSWER_MS } = limits;
  const { heldBytes = HELD_BYTES, takesBody = () => false } = limits;
  const all = new Connections(connections);
  const answers = new Answers(heldBytes);
  const server = create(
    {
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: requestMs / 5,
      // The check says it in words, with headers.
      requireHostHeader: false,
    },
    inTurn((request, response) => {
      const answering = all.began(request.socket);
      const cutThis = () => cut(response);
      const late = setTimeout(cutThis, answerMs).unref();
      const free = () => {
        clearTimeout(late);
        answers.ended(cutThis);
      };
      answers.began(cutThis);
      response.once('close', () => {
        free();
        // Left to the collector, thousands of answers would stay until it looks through the whole heap.
        underWay.delete(response);
        answering.ended();
      });
      underWay.set(response, {
        holds: bytes => answers.holds(cutThis, bytes),
        lasts() {
          free();
          answering.streams();
        },
      });
      for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
      limits.dress?.(request, response);
      const refusal = formRefusal(request, takesBody(request)) ?? check(request);
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

const createPlain: CreateServer = (options, listener) => {
  const server = createServer(options, listener);
  answerUnreadable(server);
  return server;
};

/** Of HTTP/2 only the stream ends, with an error, or a client would take what it has for all. */
function cut(response: ServerResponse & { stream?: { close(code: number): void } }): void {
  if (response.stream) response.stream.close(HTTP2_CANCEL);
  else response.destroy();
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
