import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { until } from '../support/until.ts';

/** Something that drops its listeners when one of them was called. */
function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** A piece that is longer is of a frame. */
const HANDSHAKE_BYTES = 1000;

/** What a link does to the bytes that a publisher sends. */
export interface Mischief {
  /** Holds each piece back for this long, in order. */
  delayMs?: number;
  /** Lets through about this much a second. */
  bytesPerSecond?: number;
  /** Swallows this many bytes once, and leaves the connection open. */
  dropBytes?: number;
  /** Closes the connection after this many bytes, once. */
  cutAfterBytes?: number;
  /** Changes one byte in this many, at a place that `random` picks. */
  corruptEveryBytes?: number;
  /** Passes nothing on, and closes nothing. */
  silent?: boolean;
}

/** A TCP proxy between two services, which harms what it passes on. */
export class FaultyLink implements AsyncDisposable {
  mischief: Mischief = {};
  readonly #server = createServer(client => this.#pass(client));
  readonly #sockets = new Set<Socket>();
  #target: { host: string; port: number };
  readonly #random: () => number;
  #isRefusing = false;
  #passed = 0;

  private constructor(target: { host: string; port: number }, random: () => number) {
    this.#target = target;
    this.#random = random;
  }

  static async start(target: { host: string; port: number }, random: () => number): Promise<FaultyLink> {
    const link = new FaultyLink(target, random);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves once a frame's first bytes have passed over a connection that stands. */
  async connected(): Promise<void> {
    const before = this.#passed;
    await until(() => this.#sockets.size > 0 && this.#passed > before, 'the link to be used', 10_000, 5);
  }

  /** Closes every connection, and each new one at once, until `mend`. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Has every connection lead to another port from now on, those that stand as well. */
  lead(port: number): void {
    this.#target = { ...this.#target, port };
    this.cut();
  }

  mend(): void {
    this.#isRefusing = false;
    this.mischief = {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
  }

  #pass(client: Socket): void {
    if (this.#isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const publisher = connect(this.#target);
    for (const [socket, other] of [
      [client, publisher],
      [publisher, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(publisher);
    let chain = Promise.resolve();
    publisher.on('data', bytes => {
      // A subscriber that is slow slows the publisher's connection, as a line does.
      publisher.pause();
      chain = chain
        .then(() => this.#harm(client, bytes))
        // The client has gone in the middle of it.
        .catch(() => {})
        .then(() => void publisher.resume());
    });
  }

  async #harm(client: Socket, bytes: Buffer): Promise<void> {
    const { mischief } = this;
    if (mischief.silent) return;
    if (mischief.dropBytes) {
      const dropped = Math.min(mischief.dropBytes, bytes.length);
      mischief.dropBytes -= dropped;
      bytes = bytes.subarray(dropped);
    }
    if (mischief.cutAfterBytes !== undefined) {
      mischief.cutAfterBytes -= bytes.length;
      if (mischief.cutAfterBytes <= 0) {
        delete mischief.cutAfterBytes;
        client.write(bytes.subarray(0, bytes.length >> 1));
        client.end();
        return;
      }
    }
    if (mischief.corruptEveryBytes) {
      // One in this many on average, however long the piece is.
      const step = () => Math.ceil(2 * this.#random() * mischief.corruptEveryBytes!);
      for (let at = step(); at < bytes.length; at += step())
        bytes[at]! ^= 1 + Math.floor(this.#random() * 255);
    }
    const waitMs =
      (mischief.delayMs ?? 0) +
      (mischief.bytesPerSecond ? (1000 * bytes.length) / mischief.bytesPerSecond : 0);
    if (waitMs > 0) await new Promise(resolve => setTimeout(resolve, waitMs));
    if (client.destroyed) return;
    if (bytes.length > HANDSHAKE_BYTES) this.#passed += 1;
    if (client.write(bytes)) return;
    const { signal, abort } = abortable();
    await Promise.race([once(client, 'drain', { signal }), once(client, 'close', { signal })]).finally(abort);
  }
}
