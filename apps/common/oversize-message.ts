import { connect } from 'node:net';
import { onAbort } from './abort.ts';
import { type Endpoint, nodeTarget } from './endpoint.ts';
import { GREETING_BYTES, greeting } from './inspect-peer.ts';
import { USERNAME } from './secret.ts';

/** As long as two frames of a slow clip may be apart. */
const LOOK_MS = 3000;
/** After this many messages and commands of a fit length, lengths are not why connections end. */
const MOST = 100;

const LONG = 2;
const COMMAND = 4;

const command = (body: string) =>
  Buffer.concat([Buffer.of(COMMAND, body.length), Buffer.from(body, 'latin1')]);
const METADATA = '\x0bSocket-Type\0\0\0\x03SUB';
const SUBSCRIPTION = Buffer.of(0, 1, 1);

/**
 * Returns what a subscriber says, first and after the first command of the other side: greeting, handshake and a subscription
 * to everything. https://rfc.zeromq.org/spec/23/ and 24
 */
function words({ secret }: Endpoint): [first: Buffer, then: Buffer] {
  if (secret === undefined)
    return [Buffer.concat([greeting('NULL'), command(`\x05READY${METADATA}`)]), SUBSCRIPTION];
  const counted = (text: string) => String.fromCharCode(text.length) + text;
  const hello = command(`\x05HELLO${counted(USERNAME)}${counted(secret)}`);
  return [
    Buffer.concat([greeting('PLAIN'), hello]),
    Buffer.concat([command(`\x08INITIATE${METADATA}`), SUBSCRIPTION]),
  ];
}

/**
 * Returns the length of the first message part of a publisher that is longer than this; undefined if none is, within a few
 * seconds. libzmq drops a connection for it and does not report why. Only for a peer whose handshake libzmq has completed
 * before: it is handed the secret.
 */
export async function oversizeMessage(
  endpoint: Endpoint,
  mostBytes: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const socket = connect(nodeTarget(endpoint));
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  onAbort(AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]), () => resolve(undefined));
  /** Bytes that are passed over before the next header. */
  let skip = GREETING_BYTES;
  let header = Buffer.alloc(0);
  let heard = 0;
  const [first, second] = words(endpoint);
  let then = second;
  const read = (chunk: Buffer) => {
    for (let rest = chunk; rest.length > 0; ) {
      if (skip > 0) {
        const passed = Math.min(skip, rest.length);
        skip -= passed;
        rest = rest.subarray(passed);
        continue;
      }
      header = Buffer.concat([header, rest.subarray(0, 1)]);
      rest = rest.subarray(1);
      const flags = header[0]!;
      if (header.length < (flags & LONG ? 9 : 2)) continue;
      const bytes = flags & LONG ? Number(header.readBigUInt64BE(1)) : header[1]!;
      header = Buffer.alloc(0);
      skip = bytes;
      if (bytes > mostBytes) resolve(bytes);
      if (flags & COMMAND && then.length > 0) {
        socket.write(then);
        then = Buffer.alloc(0);
      }
      heard += 1;
      if (heard > MOST) {
        resolve(undefined);
        return;
      }
    }
  };
  try {
    socket.on('error', () => {}).once('close', () => resolve(undefined));
    socket.on('data', read).write(first);
    return await promise;
  } finally {
    socket.destroy();
  }
}
