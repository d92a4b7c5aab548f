import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onAbort } from '../../apps/common/abort.ts';
import { environmentOf, type ServiceName } from './environment.ts';

/** A service promises to end within a second of SIGTERM. */
const KILL_MS = 1500;

export interface RunningService {
  pid: number | undefined;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * Starts a service that ends when `signal` is aborted, and by itself when this process is gone: it has a channel to us that
 * the kernel closes however we end, SIGKILL included.
 *
 * @param onLine gets each line that it writes
 */
export function startService(
  name: ServiceName,
  onLine: (line: string) => void,
  signal: AbortSignal,
): RunningService {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL(`../../apps/${name}/main.ts`, import.meta.url))],
    { env: environmentOf(name, process.env), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', onLine);
  }
  onAbort(signal, () => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), KILL_MS).unref();
  });
  const { promise, resolve } = Promise.withResolvers<Awaited<RunningService['ended']>>();
  child.once('close', (code, how) => resolve({ code, signal: how }));
  return { pid: child.pid, ended: promise };
}
