import type { Socket } from 'node:net';

interface Connection {
  socket: Socket;
  /** Requests that are not answered yet; in HTTP/2 there can be several. */
  requests: number;
  /** How many of them are answered with a stream, which is to last. */
  streams: number;
}

/** A request of which the answer is under way. */
export interface Answering {
  /** The answer is a stream. */
  streams(): void;
  /** It has ended. */
  ended(): void;
}

/**
 * The connections of a server, at most this many. If all are taken, the one that has had no request for longest makes room,
 * and if each has one, the one that has been answered for longest and is not a stream. So nobody is kept out by clients that
 * only hold connections open, or read their answers slowly, e.g. a health check.
 */
export class Connections {
  readonly #max: number;
  readonly #all = new Map<string, Connection>();
  /** Those without a request, the longest idle first. */
  readonly #idle = new Set<Connection>();
  /** Those with requests and no stream, the longest first. */
  readonly #answering = new Set<Connection>();
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  opened(socket: Socket): void {
    if (this.#open >= this.#max) {
      const [longest] = this.#idle.size > 0 ? this.#idle : this.#answering;
      if (longest) this.#leaves(longest);
      (longest?.socket ?? socket).destroy();
    }
    const key = keyOf(socket);
    const connection = { socket, requests: 0, streams: 0 };
    this.#open += 1;
    this.#all.set(key, connection);
    this.#sort(connection);
    socket.once('close', () => {
      this.#open -= 1;
      this.#leaves(connection);
      if (this.#all.get(key) === connection) this.#all.delete(key);
    });
  }

  /** Notes a request. */
  began(socket: Socket): Answering {
    const connection = this.#all.get(keyOf(socket));
    if (!connection) return { streams() {}, ended() {} };
    connection.requests += 1;
    this.#sort(connection);
    let streams = 0;
    return {
      streams: () => {
        streams = 1;
        connection.streams += 1;
        this.#sort(connection);
      },
      ended: () => {
        connection.requests -= 1;
        connection.streams -= streams;
        this.#sort(connection);
      },
    };
  }

  /** Keeps its place among those where it belongs already. */
  #sort(connection: Connection): void {
    const { socket, requests, streams } = connection;
    const belongs = requests === 0 ? this.#idle : streams === 0 ? this.#answering : undefined;
    for (const set of [this.#idle, this.#answering]) if (set !== belongs) set.delete(connection);
    if (!socket.destroyed) belongs?.add(connection);
  }

  #leaves(connection: Connection): void {
    this.#idle.delete(connection);
    this.#answering.delete(connection);
  }
}

/** A request over TLS has another socket object than its connection, with the same two ends. */
const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
