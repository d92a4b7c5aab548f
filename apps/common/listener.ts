import { setTimeout as sleep } from 'node:timers/promises';
import { isDescriptorLeft } from './descriptors.ts';
import { OUT_OF_DESCRIPTORS_REMEDY } from './errors.ts';

/** A bound socket whose connections can be dropped. */
export interface Listener {
  /** Whether the socket is being bound again at this moment, so that it can't send. */
  readonly isRebinding: boolean;
  /** Unbinds the socket, which drops all its connections, and binds it again a second later. Those who want frames come back. */
  dropAll(): Promise<void>;
}

/** What of a libzmq socket is used here. */
interface BoundSocket {
  readonly lastEndpoint: string | null;
  readonly events: { on(event: 'accept:error', listener: () => void): void };
  bind(address: string): Promise<void>;
  unbind(address: string): Promise<void>;
}

/**
 * Binds a socket.
 *
 * libzmq's bind asks for the network interfaces, and aborts the process if there is no descriptor to ask with.
 */
export async function bindSafely(socket: Pick<BoundSocket, 'bind'>, address: string): Promise<void> {
  if (!(await isDescriptorLeft()))
    throw Object.assign(new Error(OUT_OF_DESCRIPTORS_REMEDY), { code: 'EMFILE' });
  await socket.bind(address);
}

/** For this long descriptors may be used up: some connections end by themselves. */
const PATIENCE_MS = 3000;
/** After this long without a failure, the next one is a new fault. */
const OVER_MS = 1000;
const PAUSE_MS = 1000;

/**
 * Watches a bound socket for descriptors that have run out, until `signal` is aborted. While a connection waits and cannot
 * be accepted, libzmq tries without a pause, which takes most of a processor. If that does not pass, all are dropped.
 *
 * @param full called when subscribers cannot be accepted, once for each time that it begins
 */
export function watchListener(socket: BoundSocket, signal: AbortSignal, full: () => void): Listener {
  const endpoint = socket.lastEndpoint ?? '';
  let isRebinding = false;
  let sinceMs = 0;
  let lastMs = Number.NEGATIVE_INFINITY;

  const rebind = async () => {
    await socket.unbind(endpoint);
    for (let bound = false; !bound; ) {
      await sleep(PAUSE_MS, undefined, { signal });
      bound = await bindSafely(socket, endpoint).then(
        () => true,
        () => false,
      );
    }
  };
  const dropAll = async () => {
    if (isRebinding) return;
    isRebinding = true;
    try {
      await rebind();
    } catch {
      // Aborted while it waited.
    } finally {
      isRebinding = false;
    }
  };
  socket.events.on('accept:error', () => {
    const nowMs = performance.now();
    if (nowMs - lastMs > OVER_MS) {
      sinceMs = nowMs;
      full();
    }
    lastMs = nowMs;
    if (nowMs - sinceMs >= PATIENCE_MS) void dropAll();
  });
  return {
    get isRebinding() {
      return isRebinding;
    },
    dropAll,
  };
}
