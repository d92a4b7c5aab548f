import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { onAbort } from './abort.ts';
import { type Endpoint, nodeTarget, secretVariable } from './endpoint.ts';
import { asError, isOutOfDescriptors, OUT_OF_DESCRIPTORS_REMEDY } from './errors.ts';

/** Each question is given up after this long. */
const ANSWER_MS = 1500;
export const GREETING_BYTES = 64;
const MAX_ANSWER_BYTES = 512;

/** Returns a ZMTP 3.0 greeting. https://rfc.zeromq.org/spec/23/ */
export function greeting(mechanism: string): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3]);
  bytes.write(mechanism, 12, 'latin1');
  return bytes;
}

/** The command that follows: at least this long, since the shortest name of a type has three letters. */
const READY_BYTES = 27;

export const GREETS_AND_HANGS = 'a ZeroMQ socket is there that greets and says nothing more; it may hang';

/** Types of sockets by their number in the greeting of ZMTP 2.0, https://rfc.zeromq.org/spec/15/, and libzmq's own. */
const OLD_TYPES = ['PAIR', 'PUB', 'SUB', 'REQ', 'REP', 'DEALER', 'ROUTER', 'PULL', 'PUSH', 'XPUB', 'XSUB'];
/** From this revision on a greeting names a mechanism. */
const WITH_MECHANISM = 3;

/**
 * Returns what is at a peer's address instead of a publisher that takes this service, in words that go after the address;
 * undefined if a publisher is there. It opens connections of its own, and never sends the secret.
 */
export async function inspectPeer(endpoint: Endpoint, signal: AbortSignal): Promise<string | undefined> {
  const service = endpoint.variable.replace('_PORT', '');
  const remedy = `set ${service}_HOST and ${service}_PORT to ${service.toLowerCase()}`;
  const mechanism = endpoint.secret === undefined ? 'NULL' : 'PLAIN';
  const asksForNone = `it asks for no secret, so no frames are taken from it; set ${secretVariable(endpoint)} there, or unset it here`;
  const otherType = (type: string) =>
    type === 'PUB' || type === 'XPUB'
      ? undefined
      : `a ZeroMQ socket of type ${printable(type)} is there instead; ${remedy}`;
  let answer: Buffer;
  const askedMs = performance.now();
  try {
    // Up to the version: a socket that sees another mechanism than its own hangs up before it has named its own.
    answer = await ask(endpoint, signal, greeting(mechanism).subarray(0, 12), GREETING_BYTES);
  } catch (thrown) {
    const { code, message } = asError(thrown);
    if (isOutOfDescriptors(thrown)) return OUT_OF_DESCRIPTORS_REMEDY;
    if (code === 'ECONNREFUSED') return 'nothing listens there';
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
      return `the name ${JSON.stringify(endpoint.host)} is not known; ${remedy}`;
    }
    if (code === 'ETIMEDOUT') return `nothing answers there; ${remedy}, and look for a firewall`;
    return `it cannot be reached (${code ?? message})`;
  }
  const isCut = answer.length === 0 && performance.now() - askedMs < ANSWER_MS / 2;
  if (isZmtp(answer)) {
    const theirs = answer.toString('latin1', 12, 32).replaceAll('\0', '');
    if (theirs === 'PLAIN' && mechanism === 'NULL')
      return `it asks for a secret; set ${secretVariable(endpoint)}`;
    if (theirs === 'NULL' && mechanism === 'PLAIN') return asksForNone;
    if (theirs !== mechanism) {
      return `a ZeroMQ socket with ${printable(theirs)} is there, which this service does not speak; ${remedy}`;
    }
    if (mechanism === 'PLAIN') return undefined;
    // Its READY comes without ours, after which a socket of another type would hang up.
    const ready = await ask(endpoint, signal, greeting('NULL'), GREETING_BYTES + READY_BYTES).catch(() => {});
    const type = /Socket-Type\0\0\0.([A-Z]{2,8})/.exec(ready?.toString('latin1') ?? '')?.[1];
    if (type !== undefined) return otherType(type);
    return ready && ready.length < GREETING_BYTES + READY_BYTES ? GREETS_AND_HANGS : undefined;
  }
  if (isSignature(answer)) {
    // Without a revision, the greeting has not ended.
    if ((answer[10] ?? WITH_MECHANISM) >= WITH_MECHANISM) return GREETS_AND_HANGS;
    return mechanism === 'PLAIN' ? asksForNone : otherType(OLD_TYPES[answer[11] ?? -1] ?? 'unknown');
  }
  const named = nameOf(answer) ?? (await nameOfSilent(endpoint, signal));
  if (named !== undefined) return `${named} is there instead; ${remedy}`;
  if (isCut)
    return 'it takes connections and ends them at once; look whether it is a proxy before a service that is down';
  return answer.length === 0
    ? 'it takes connections and says nothing; it may hang, or be another service'
    : `a server of another protocol is there instead; ${remedy}`;
}

const isZmtp = (answer: Buffer): boolean =>
  answer.length >= GREETING_BYTES && isSignature(answer) && answer[10]! >= WITH_MECHANISM;

/** Whether an answer is the beginning of a greeting, or all of an older one. */
function isSignature(answer: Buffer): boolean {
  // The length of an identity of old, of which only the last byte is ever written.
  const isLength = answer.subarray(1, 8).every(byte => byte === 0);
  return answer.length > 1 && answer[0] === 0xff && isLength && ((answer[9] ?? 1) & 1) === 1;
}

function nameOf(answer: Buffer): string | undefined {
  const text = answer.toString('latin1');
  if (text.startsWith('HTTP/')) return 'an HTTP server';
  if (text.startsWith('SSH-')) return 'an SSH server';
  if ((answer[0] === 0x15 || answer[0] === 0x16) && answer[1] === 3) return 'a TLS server';
  // The settings that open a connection: https://www.rfc-editor.org/rfc/rfc9113#section-3.4
  if (answer.length >= 9 && answer[0] === 0 && answer[3] === 4 && answer.readUInt32BE(5) === 0) {
    return 'an HTTP/2 server';
  }
  return undefined;
}

/** Asks a server that did not understand ZeroMQ in the two languages in which it is for the client to begin. */
async function nameOfSilent(endpoint: Endpoint, signal: AbortSignal): Promise<string | undefined> {
  if (await speaksTls(endpoint, signal)) return 'a TLS server';
  const request = Buffer.from('GET / HTTP/1.0\r\n\r\n');
  const answer = await ask(endpoint, signal, request, 5).catch(() => Buffer.alloc(0));
  return nameOf(answer);
}

/** Connects, sends `question` and returns what comes within a second or so, at least `enough` bytes if there are as many. */
async function ask(
  endpoint: Endpoint,
  signal: AbortSignal,
  question: Buffer,
  enough: number,
): Promise<Buffer> {
  const socket = connect(nodeTarget(endpoint));
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const failed = failure(socket);
  try {
    await Promise.race([once(socket, 'connect', { signal: limit }), failed]).catch(thrown => {
      throw asError(thrown).name === 'AbortError'
        ? Object.assign(new Error('no answer', { cause: thrown }), { code: 'ETIMEDOUT' })
        : thrown;
    });
    let answer = Buffer.alloc(0);
    const isEnough = Promise.withResolvers<void>();
    socket.on('data', bytes => {
      answer = Buffer.concat([answer, bytes]).subarray(0, MAX_ANSWER_BYTES);
      if (answer.length >= enough) isEnough.resolve();
    });
    onAbort(limit, isEnough.resolve);
    socket.write(question);
    // If it ends, or takes too long, what has come has to do.
    await Promise.race([isEnough.promise, failed]).catch(() => {});
    return answer;
  } finally {
    socket.destroy();
  }
}

async function speaksTls(endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
  // Nothing is sent over it: it only shows what language the server speaks.
  const socket = connectTls({ ...nodeTarget(endpoint), rejectUnauthorized: false });
  const failed = failure(socket);
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    await Promise.race([once(socket, 'secureConnect', { signal: limit }), failed]);
    return true;
  } catch (thrown) {
    // A TLS server that dislikes the client says so in TLS.
    return /^ERR_SSL_(?!WRONG_VERSION_NUMBER|PACKET_LENGTH)/.test(asError(thrown).code ?? '');
  } finally {
    socket.destroy();
  }
}

/** Rejects when the connection fails or ends, and is never an unhandled rejection. */
function failure(socket: Socket): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  socket.on('error', reject).once('close', () => reject(new Error('closed')));
  promise.catch(() => {});
  return promise;
}

/** What a stranger sends must not act on a terminal. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 20);
