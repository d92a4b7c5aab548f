import { onAbort } from './abort.ts';
import { trimMalloc } from './malloc.ts';
import { memoryLimit } from './memory.ts';
import { memoryUsed } from './memory-used.ts';
import { collectAll } from './reclaim.ts';

/** Subscribers that take nothing, and of which each began at another frame, hold two frames each. */
const FEW = 4;
/** What is kept free, as a share of the limit: frames go on arriving until what was held is collected. */
const FREE = 0.2;
/** Cost of a look: 0.1 ms. */
const LOOK_MS = 100;
/** libzmq lets go of frames a moment after a connection is dropped. */
const COLLECT_MS = 2000;

/** What of a libzmq socket is used here. */
interface AcceptingSocket {
  readonly events: { on(event: 'accept' | 'disconnect', listener: () => void): void };
}

/**
 * Calls `drop` when memory runs out while a publisher has more than a few connections, until `signal` is aborted. libzmq has
 * no limit for connections, and does not report what it keeps for them.
 */
export function watchSubscribers(
  socket: AcceptingSocket,
  signal: AbortSignal,
  drop: () => void,
  isMemoryShort = () => memoryUsed() > (1 - FREE) * memoryLimit(),
): void {
  let connections = 0;
  socket.events.on('accept', () => {
    connections += 1;
  });
  socket.events.on('disconnect', () => {
    connections = Math.max(0, connections - 1);
  });
  let droppedMs = Number.NEGATIVE_INFINITY;
  const looking = setInterval(() => {
    const wasDropped = performance.now() - droppedMs < COLLECT_MS;
    if ((connections <= FEW && !wasDropped) || !isMemoryShort()) return;
    if (wasDropped) {
      collectAll();
      void trimMalloc();
      return;
    }
    connections = 0;
    droppedMs = performance.now();
    drop();
  }, LOOK_MS);
  onAbort(signal, () => clearInterval(looking));
}
