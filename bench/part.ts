/** What the benchmark forks: its parts, which tell what they have found and end with their channel. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** An answer takes milliseconds and a frame a fraction of a second; what takes so long never comes. */
export const PATIENCE_MS = 60_000;
const SLOWEST_FRAME_MS = 1000;

/** What a round of so many frames may take, on any machine. */
export function roundLimitMs(frames: number): number {
  return PATIENCE_MS + frames * SLOWEST_FRAME_MS;
}

export interface Waiting {
  /** Other parts, without which nothing would be said. */
  beside?: readonly ChildProcess[];
  patienceMs?: number;
}

/** The next message of a part. @throws where it, or one beside it, ends before, or where it says nothing for so long */
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
    throw new Error(`${nameOf(part)} has said nothing for ${patienceMs / 1000} s`);
  });
  try {
    const [told] = (await Promise.race([once(part, 'message', { signal }), late, ...ended])) as [T];
    return told;
  } finally {
    over.abort();
  }
}

/** Has a part end, as all of them do when nobody listens any more. */
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

/** Its file and its task. */
function nameOf({ spawnargs }: ChildProcess): string {
  const [file = '', task] = spawnargs.slice(-2);
  return `${basename(file)} ${task}`;
}
