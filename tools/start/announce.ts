import { setTimeout as sleep } from 'node:timers/promises';
import type { addressesOf, ServiceName } from './environment.ts';
import { holdsPort } from './listeners.ts';

const LOOK_MS = 50;

/**
 * Returns where to open the picture once it is served and is this chain's: each of our services holds its port, so no
 * other chain's frame is in it. Returns nothing if the signal is aborted first.
 */
export async function pictureAddress(
  pidOf: (name: ServiceName) => number | undefined,
  { ports, webHost }: ReturnType<typeof addressesOf>,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    const held = Object.entries(ports).map(([name, port]) => {
      const pid = pidOf(name as ServiceName);
      return pid !== undefined && holdsPort(pid, port);
    });
    if (held.every(Boolean) && (await isServed(`http://${webHost}:${ports.visualizer}`, signal))) {
      // Another program may listen on [::1], which a browser tries first for localhost.
      const host = webHost === '127.0.0.1' && held.at(-1) === 'alone' ? 'localhost' : webHost;
      return `http://${host}:${ports.visualizer}`;
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
  return undefined;
}

async function isServed(web: string, signal: AbortSignal): Promise<boolean> {
  const answer = await fetch(`${web}/snapshot.jpg`, { signal }).catch(() => undefined);
  await answer?.body?.cancel().catch(() => {});
  return answer?.ok === true;
}
