import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that connections get for themselves, so that none of them takes one that was found free. */
const LEAST = 20_000;
const MOST = 32_000;
const given = new Set<number>();

/** Returns ports of the loopback that nobody listens on at this moment, each only once in this process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(LEAST, MOST);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  return await once(server, 'listening').then(
    () => once(server.close(), 'close').then(() => true),
    () => false,
  );
}

export async function freePort(): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  return port;
}

/** Returns the first of two free ports in a row. */
export async function freePair(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (given.has(port + 1) || !(await isFree(port + 1))) continue;
    given.add(port + 1);
    return port;
  }
}
