import type { Socket } from 'node:net';

interface Connection {
  socket: Socket;
  /** Requests that are not answered yet; in HTTP/2 there can be several. */
  requests: number;
}

/**
 * The connections of a server, at most this many. If all are taken, the one that has had no request for longest makes room,
 * so that clients that only hold connections open keep nobody out, e.g. a health check.
 */
export class Connections {
  readonly #max: number;
  readonly #all = new Map<string, Connection>();
  /** Those without a request, the longest idle first. */
  readonly #idle = new Set<Connection>();
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  opened(socket: Socket): void {
    if (this.#open >= this.#max) {
      const [longest = { socket }] = this.#idle;
      longest.socket.destroy();
    }
    const key = keyOf(socket);
    const connection = { socket, requests: 0 };
    this.#open += 1;
    this.#all.set(key, connection);
    this.#idle.add(connection);
    socket.once('close', () => {
      this.#open -= 1;
      this.#idle.delete(connection);
      if (this.#all.get(key) === connection) this.#all.delete(key);
    });
  }

  /** Notes a request. Returns what is to be called once it is answered. */
  began(socket: Socket): () => void {
    const connection = this.#all.get(keyOf(socket));
    if (!connection) return () => {};
    connection.requests += 1;
    this.#idle.delete(connection);
    return () => {
      connection.requests -= 1;
      if (connection.requests === 0 && !connection.socket.destroyed) this.#idle.add(connection);
    };
  }
}

/** A request over TLS has another socket object than its connection, with the same two ends. */
const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
