import type { Socket } from 'node:net';
import koffi from 'koffi';

/** Slower than any line that shows pictures: 8 kbit/s. */
const LEAST_BYTES_PER_S = 1000;
/** This much may be on its way to a client that keeps up. */
const ON_ITS_WAY_BYTES = 64 * 1024;

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** Where `tcpi_bytes_acked` is in `struct tcp_info` (linux/tcp.h), since Linux 4.1. */
const BYTES_ACKED_OFFSET = 120;

type GetSockOpt = (fd: number, level: number, name: number, value: Buffer, length: Uint32Array) => number;
let getsockopt: GetSockOpt | undefined;

/**
 * Returns how many bytes the client's kernel has acknowledged, undefined if this kernel does not say. Node knows only what
 * our kernel has taken, which is megabytes more.
 */
function acknowledgedBytes(socket: Socket): number | undefined {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } };
  if (handle?.fd === undefined || handle.fd < 0) return undefined;
  const everythingLoaded = null;
  getsockopt ??= koffi
    .load(everythingLoaded)
    .func(
      'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
    ) as GetSockOpt;
  const info = Buffer.alloc(BYTES_ACKED_OFFSET + 8);
  const length = new Uint32Array([info.length]);
  if (getsockopt(handle.fd, IPPROTO_TCP, TCP_INFO, info, length) !== 0 || length[0] !== info.length)
    return undefined;
  return Number(info.readBigUInt64LE(BYTES_ACKED_OFFSET));
}

/**
 * Watches how fast a client takes what it is sent. A timeout on silence is not enough: a client that reads a byte now and
 * then is never silent, and one whose stream is small is silent only when our kernel's buffer is full.
 */
export class Pace {
  readonly #socket: Socket;
  readonly #limitMs: number;
  #sinceMs: number;
  #takenBefore = 0;

  constructor(socket: Socket, limitMs: number, nowMs: number) {
    this.#socket = socket;
    this.#limitMs = limitMs;
    this.#sinceMs = nowMs;
  }

  /** Returns whether it has been behind for the time limit and took less than 1 kB a second. To be asked once a second. */
  tooSlow(nowMs: number): boolean {
    const taken = acknowledgedBytes(this.#socket);
    if (taken === undefined) return false;
    const keepsUp = this.#socket.bytesWritten - taken <= ON_ITS_WAY_BYTES;
    const enough = (LEAST_BYTES_PER_S * this.#limitMs) / 1000;
    if (keepsUp || taken - this.#takenBefore >= enough) {
      this.#sinceMs = nowMs;
      this.#takenBefore = taken;
      return false;
    }
    return nowMs - this.#sinceMs >= this.#limitMs;
  }
}
