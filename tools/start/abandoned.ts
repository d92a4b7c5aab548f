import { outputIsClosed } from './output.ts';

const LOOK_MS = 250;

/**
 * Calls `end` with the reason once nobody is left who could stop this process or read it: npm is gone, or the output is
 * closed. Neither npm nor a reader shares a pipe with us whose end we could wait for, so this asks the kernel four times a
 * second (two system calls).
 */
export function endWhenAbandoned(end: (reason: string) => void, signal: AbortSignal): void {
  const npm = process.env['npm_lifecycle_event'] === 'start' ? process.ppid : undefined;
  const timer = setInterval(() => {
    if (npm !== undefined && process.ppid !== npm) end('npm is gone');
    else if (outputIsClosed()) end('the output is closed');
  }, LOOK_MS);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
