import { childrenOf, isAlive } from '../tests/support/processes.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The services end by themselves in a fraction of a second. */
const GRACE_MS = 3000;
const LOOK_MS = 10;

/** Ends everything that the benchmark has started when the benchmark ends, unless that is by SIGKILL. */
export function endDescendantsWithUs(): void {
  process.once('exit', () => endDescendants(process.pid));
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      endDescendants(process.pid);
      // Playwright listens as well, and while there is a listener a signal does not end the process.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    });
  }
}

/**
 * Ends all descendants of a process and waits for it. The event loop is blocked meanwhile, so that nothing mistakes their
 * end for a result or starts the next run.
 */
export function endDescendants(pid: number): void {
  const all = descendantsOf(pid);
  const left = () => all.filter(isAlive);
  for (const one of left()) kill(one, 'SIGTERM');
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  const deadline = performance.now() + GRACE_MS;
  while (left().length > 0 && performance.now() < deadline) Atomics.wait(nobody, 0, 0, LOOK_MS);
  for (const one of left()) kill(one, 'SIGKILL');
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap(child => [...descendantsOf(child), child]);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}
