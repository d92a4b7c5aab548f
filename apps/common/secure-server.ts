import {
  createServer as createPlainServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerOptions,
} from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { Server, type Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { answerUnreadable } from './http-refusal.ts';

/** What a certificate consists of, whose client certificates count, and which of those no longer do. */
export type Credentials = Pick<SecureContextOptions, 'cert' | 'key' | 'ca' | 'crl'>;

/** The first byte of every TLS connection: the type of a handshake record. */
const HANDSHAKE = 22;
const LEAST_VERSION = 'TLSv1.2';

/** Streams that a client may have open at once. A page has one, and asks for some pictures beside it. */
const MOST_STREAMS = 64;
/** A client that resets or breaks more streams than this at once, or more a second, is disconnected (CVE-2023-44487). */
const FLOODS = { streamResetBurst: 200, streamResetRate: 33, maxSessionInvalidFrames: 100, maxSettings: 32 };
const ONE_YEAR_S = 31_536_000;

/**
 * A server of HTTP/2 and HTTP/1.1 over TLS. On the same port it takes HTTP without TLS: the first byte of a connection
 * shows which it is. Whether a request came over TLS, `isEncrypted` says.
 */
export class SecureServer extends Server {
  readonly #secure: Http2SecureServer;
  readonly #plain: HttpServer;
  readonly #sockets = new Set<Socket>();
  readonly #firstByteMs: number;

  /** @param options as `http.createServer` takes them; `headersTimeout` limits the handshake as well */
  constructor(credentials: Credentials, options: ServerOptions, listener: RequestListener) {
    // What the client gets after it has closed its sending half is for the server of its protocol to decide.
    super({ noDelay: true, allowHalfOpen: true });
    const handshakeTimeout = options.headersTimeout ?? 5000;
    this.#firstByteMs = handshakeTimeout;
    const limits = { ...FLOODS, settings: { maxConcurrentStreams: MOST_STREAMS, enablePush: false } };
    const tls = { ...credentials, minVersion: LEAST_VERSION, handshakeTimeout } as const;
    // A client without a certificate may have another way to say who it is.
    const certificates = { requestCert: credentials.ca !== undefined, rejectUnauthorized: false };
    const secureListener: RequestListener = (request, response) => {
      response.setHeader('Strict-Transport-Security', `max-age=${ONE_YEAR_S}`);
      listener(request, response);
    };
    this.#secure = createSecureServer(
      { ...options, ...tls, ...certificates, ...limits, allowHTTP1: true },
      secureListener as unknown as Parameters<typeof createSecureServer>[1],
    );
    Object.assign(this.#secure, {
      headersTimeout: options.headersTimeout,
      requestTimeout: options.requestTimeout,
    });
    this.#plain = createPlainServer(options, listener);
    answerUnreadable(this.#secure);
    answerUnreadable(this.#plain);
    this.on('connection', socket => this.#sort(socket));
    this.on('listening', () => {
      // They listen on nothing themselves; this starts their clocks for slow requests.
      this.#secure.emit('listening');
      this.#plain.emit('listening');
    });
    this.on('close', () => {
      this.#secure.close();
      this.#plain.close();
    });
    // HTTP/2 has no half-closed connections: without its frames of flow control nothing more can be sent.
    this.#secure.on('secureConnection', socket => {
      if (socket.alpnProtocol === 'h2') socket.allowHalfOpen = false;
    });
    // A client that fails the handshake, or breaks the protocol later, is gone already.
    this.#secure.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#secure.on('sessionError', (_error, session) => session.destroy());
  }

  /** Whether a client that has closed its sending half still gets its answer, over HTTP/1.1. */
  set httpAllowHalfOpen(allow: boolean) {
    for (const server of [this.#secure, this.#plain]) Object.assign(server, { httpAllowHalfOpen: allow });
  }

  /** How long a client may read nothing of its answer, in milliseconds. */
  set timeout(ms: number) {
    // @types/node does not have it.
    Object.assign(this.#secure, { timeout: ms });
    this.#plain.timeout = ms;
  }

  /** Uses another certificate for connections from now on. Those that are open keep theirs. */
  setCredentials(credentials: Credentials): void {
    this.#secure.setSecureContext({ ...credentials, minVersion: LEAST_VERSION });
  }

  closeAllConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #sort(socket: Socket): void {
    this.#sockets.add(socket);
    const silent = setTimeout(() => socket.destroy(), this.#firstByteMs);
    socket.once('close', () => {
      clearTimeout(silent);
      this.#sockets.delete(socket);
    });
    socket.on('error', () => socket.destroy());
    socket.once('data', first => {
      clearTimeout(silent);
      socket.pause();
      socket.unshift(first);
      if (first[0] === HANDSHAKE) {
        // It reads the socket's handle itself, after what the socket holds.
        this.#secure.emit('connection', socket);
      } else {
        this.#plain.emit('connection', socket);
        socket.resume();
      }
    });
  }
}

export const isEncrypted = ({ socket }: Pick<IncomingMessage, 'socket'>): boolean =>
  (socket as { encrypted?: boolean }).encrypted === true;
