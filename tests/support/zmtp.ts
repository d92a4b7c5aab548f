/** A peer that speaks ZMTP by hand, up to where a test wants it to misbehave. https://rfc.zeromq.org/spec/23/ */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** ZMTP 3.0 with the NULL mechanism. */
const GREETING = Buffer.alloc(64);
GREETING.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3]);
GREETING.write('NULL', 12);

const MORE = 1;
const LONG = 2;
const COMMAND = 4;

/** Returns the greeting and the READY command of a socket of this type. */
export function handshake(type: 'PUB' | 'SUB'): Buffer {
  const ready = Buffer.from(`\x05READY\x0bSocket-Type\0\0\0\x03${type}`, 'latin1');
  return Buffer.concat([GREETING, Buffer.of(COMMAND, ready.length), ready]);
}

/** Returns the header of a message part that claims to be this long. */
export function longHeader(bytes: number | bigint, more = false): Buffer {
  const header = Buffer.alloc(9, LONG | (more ? MORE : 0));
  header.writeBigUInt64BE(BigInt(bytes), 1);
  return header;
}

/** Returns a message part of at most 255 bytes. */
export function shortPart(body: Buffer, more = false): Buffer {
  return Buffer.concat([Buffer.of(more ? MORE : 0, body.length), body]);
}

/** Connects to a publisher and completes the handshake. */
export async function connectRaw(port: number, type: 'PUB' | 'SUB' = 'SUB'): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.write(handshake(type));
  await once(socket, 'data');
  return socket.resume();
}

/** Writes chunks as fast as they are taken, until the connection ends or this many bytes are out. Returns their number. */
export async function flood(socket: Socket, mostBytes: number, chunk: () => Buffer): Promise<number> {
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  let bytes = 0;
  while (!socket.destroyed && bytes < mostBytes) {
    const next = chunk();
    bytes += next.length;
    if (!socket.write(next)) await once(socket, 'drain', { signal: closed.signal }).catch(() => {});
  }
  return bytes;
}
