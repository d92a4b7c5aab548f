import { childrenOf, hasEnded } from './proc.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The services take a fraction of a second to end with grace. */
const GRACE_MS = 3000;
const LOOK_MS = 10;

/** However the benchmark ends, short of SIGKILL, so does all that it has started. */
export function endDescendantsWithUs(): void {
  process.once('exit', () => endDescendants(process.pid));
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      endDescendants(process.pid);
      // Playwright listens as well, and while anybody does the signal ends nothing.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    });
  }
}

/**
 * Ends what a process has started, and what those have, and waits for it: the event loop stands still meanwhile, so that
 * nobody takes their end for a finding or starts the next.
 */
export function endDescendants(pid: number): void {
  const all = descendantsOf(pid);
  const left = () => all.filter(one => !hasEnded(one));
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
    // It ended between the look and the signal.
  }
}
