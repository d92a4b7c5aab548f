import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import koffi from 'koffi';
import { isEncrypted } from '../common/secure-server.ts';
import { sinkOf } from './viewer.ts';

/** Slower than any line that shows pictures: 8 kbit/s. */
const LEAST_BYTES_PER_S = 1000;
/** This much may be on its way to a client that keeps up. */
const ON_ITS_WAY_BYTES = 64 * 1024;

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** Where fields are in `struct tcp_info` (linux/tcp.h), since Linux 4.6. */
const AT = { sendMss: 16, unacked: 24, bytesAcked: 120, notSent: 144 };
const INFO_BYTES = 148;

type GetSockOpt = (fd: number, level: number, name: number, value: Buffer, length: Uint32Array) => number;
let getsockopt: GetSockOpt | undefined;

/** How far a client has come with what it is sent. */
interface Progress {
  /** Bytes it has taken so far. */
  taken: number;
  /** Bytes that are on their way to it, or wait. */
  waiting: number;
}

/**
 * Returns what tells how far a client has come, which is undefined if this kernel does not say. Node knows only what our
 * kernel has taken, which is megabytes more than the client's has acknowledged.
 *
 * @param written how many bytes were written to this client
 */
export function progressOf(
  request: IncomingMessage,
  response: ServerResponse,
  written: () => number,
): () => Progress | undefined {
  const sink = sinkOf(response);
  if (sink !== response) {
    // In HTTP/2 a client says of each stream how much it takes, so that nothing of it waits in our kernel.
    return () => ({ taken: written() - sink.writableLength, waiting: sink.writableLength });
  }
  const { socket } = request;
  const encrypted = isEncrypted(request);
  return () => {
    const info = tcpInfo(socket);
    if (!info) return undefined;
    const taken = Number(info.readBigUInt64LE(AT.bytesAcked));
    if (!encrypted) return { taken, waiting: socket.bytesWritten - taken };
    // Node counts what it has encrypted without what that adds.
    const inKernel =
      info.readUInt32LE(AT.notSent) + info.readUInt32LE(AT.unacked) * info.readUInt32LE(AT.sendMss);
    return { taken, waiting: inKernel + sink.writableLength };
  };
}

function tcpInfo(socket: Socket): Buffer | undefined {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } };
  if (handle?.fd === undefined || handle.fd < 0) return undefined;
  const everythingLoaded = null;
  getsockopt ??= koffi
    .load(everythingLoaded)
    .func(
      'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
    ) as GetSockOpt;
  const info = Buffer.alloc(INFO_BYTES);
  const length = new Uint32Array([info.length]);
  if (getsockopt(handle.fd, IPPROTO_TCP, TCP_INFO, info, length) !== 0 || length[0] !== info.length)
    return undefined;
  return info;
}

/**
 * Watches how fast a client takes what it is sent. A timeout on silence is not enough: a client that reads a byte now and
 * then is never silent, and one whose stream is small is silent only when our kernel's buffer is full.
 */
export class Pace {
  readonly #progress: () => Progress | undefined;
  readonly #limitMs: number;
  #sinceMs: number;
  #takenBefore = 0;

  constructor(progress: () => Progress | undefined, limitMs: number, nowMs: number) {
    this.#progress = progress;
    this.#limitMs = limitMs;
    this.#sinceMs = nowMs;
  }

  /** Returns whether it has been behind for the time limit and took less than 1 kB a second. To be asked once a second. */
  tooSlow(nowMs: number): boolean {
    const progress = this.#progress();
    if (!progress) return false;
    const { taken, waiting } = progress;
    const keepsUp = waiting <= ON_ITS_WAY_BYTES;
    const enough = (LEAST_BYTES_PER_S * this.#limitMs) / 1000;
    if (keepsUp || taken - this.#takenBefore >= enough) {
      this.#sinceMs = nowMs;
      this.#takenBefore = taken;
      return false;
    }
    return nowMs - this.#sinceMs >= this.#limitMs;
  }
}
