import { setTimeout as sleep } from 'node:timers/promises';

const AGAIN_MS = 20;

/** Asks again until the answer is truthy and returns it. @throws after `timeoutMs`, with what was thrown last as its cause */
export async function until<T>(
  ask: () => Promise<T> | T,
  what: string,
  timeoutMs = 20_000,
  againMs = AGAIN_MS,
): Promise<NonNullable<T>> {
  const deadlineMs = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (thrown) {
      cause = thrown;
    }
    if (performance.now() > deadlineMs)
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause });
    await sleep(againMs);
  }
}
