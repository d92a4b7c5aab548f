import { timingSafeEqual } from 'node:crypto';
import { Reply } from 'zeromq';
import { onAbort } from './abort.ts';
import { USERNAME } from './secret.ts';

/** Where libzmq asks, in every process; https://rfc.zeromq.org/spec/27/ */
const ADDRESS = 'inproc://zeromq.zap.01';
const VERSION = '1.0';

interface Door {
  secret: string;
  /** @param peer address of the client that was refused */
  refused(peer: string): void;
}

/** Doors by ZAP domain. All sockets of a process share one handler, because libzmq has one address for it. */
const doors = new Map<string, Door>();
let handler: Reply | undefined;

/**
 * Lets only clients that know the secret connect to the sockets of a domain, until `signal` is aborted. The mechanism is
 * PLAIN: the client sends the secret as it is, so the client must be sure whom it connects to. It costs nothing a frame.
 *
 * To be called before such a socket is bound: libzmq lets everybody in where nobody answers.
 */
export async function guard(domain: string, door: Door, signal: AbortSignal): Promise<void> {
  doors.set(domain, door);
  onAbort(signal, () => {
    if (doors.get(domain) === door) doors.delete(domain);
    if (doors.size > 0) return;
    handler?.close();
    handler = undefined;
  });
  if (handler || signal.aborted) return;
  handler = new Reply({ linger: 0 });
  await handler.bind(ADDRESS);
  void answerAll(handler);
}

async function answerAll(socket: Reply): Promise<void> {
  try {
    for await (const question of socket) await socket.send(answer(question));
  } catch {
    // Closed between a question and its answer.
  }
}

/** Returns the answer to a ZAP request, in the parts of RFC 27. */
function answer(question: Buffer[]): (string | Buffer)[] {
  const [, id = '', domain, peer, , mechanism, username, password] = question;
  const door = doors.get(String(domain));
  const known =
    door !== undefined &&
    String(mechanism) === 'PLAIN' &&
    String(username) === USERNAME &&
    isSame(password, door.secret);
  if (!known) door?.refused(String(peer));
  return known ? [VERSION, id, '200', 'OK', USERNAME, ''] : [VERSION, id, '400', 'no access', '', ''];
}

/** Compares in constant time, so that the time says nothing about the secret. */
function isSame(given: Buffer | undefined, secret: string): boolean {
  const expected = Buffer.from(secret);
  const compared = Buffer.alloc(expected.length);
  given?.copy(compared);
  return timingSafeEqual(compared, expected) && given?.length === expected.length;
}
