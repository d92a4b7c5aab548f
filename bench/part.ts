/** The processes that the benchmark forks. They report what they found and end when their channel closes. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** An answer takes milliseconds and a frame a fraction of a second; what takes this long never comes. */
export const PATIENCE_MS = 60_000;
const SLOWEST_FRAME_MS = 1000;

/** Returns how long a round of this many frames may take, on any machine. */
export function roundLimitMs(frames: number): number {
  return PATIENCE_MS + frames * SLOWEST_FRAME_MS;
}

export interface Waiting {
  /** Other parts, without which this one has nothing to report. */
  beside?: readonly ChildProcess[];
  patienceMs?: number;
}

/** Returns the next message of a part. @throws if it or one beside it ends first, or if none comes in time */
export async function message<T>(
  part: ChildProcess,
  { beside = [], patienceMs = PATIENCE_MS }: Waiting = {},
): Promise<T> {
  const over = new AbortController();
  const { signal } = over;
  const ended = [part, ...beside].map(async one => {
    if (!hasEnded(one)) await once(one, 'exit', { signal });
    throw new Error(`${nameOf(one)} ended early, with ${one.signalCode ?? `exit code ${one.exitCode}`}`);
  });
  const late = sleep(patienceMs, undefined, { signal }).then(() => {
    throw new Error(`${nameOf(part)} has reported nothing for ${patienceMs / 1000} s`);
  });
  try {
    const [found] = (await Promise.race([once(part, 'message', { signal }), late, ...ended])) as [T];
    return found;
  } finally {
    over.abort();
  }
}

/** Ends a part by closing its channel. */
export async function endPart(part: ChildProcess): Promise<void> {
  if (hasEnded(part)) return;
  const exit = once(part, 'exit');
  if (part.connected) part.disconnect();
  const timer = setTimeout(() => part.kill('SIGKILL'), 2000);
  await exit;
  clearTimeout(timer);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Returns its file and its task. */
function nameOf({ spawnargs }: ChildProcess): string {
  const [file = '', task] = spawnargs.slice(-2);
  return `${basename(file)} ${task}`;
}
