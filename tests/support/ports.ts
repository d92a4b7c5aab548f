import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that connections get for themselves, so that none of them takes one that was found free. */
const LEAST = 20_000;
const MOST = 32_000;
const given = new Set<number>();

/** Returns ports of the loopback that nobody listens on at this moment, each only once among all tests that run. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(LEAST, MOST);
    if ((await claim(port)) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

/**
 * Two test files at a time may find the same port free, before the services of either listen on it. So whoever finds one
 * holds the UDP port of that number until its process ends, at an address that nothing listens at: at 127.0.0.1 a Caddy
 * needs it for HTTP/3. Returns whether that was free.
 */
async function claim(port: number): Promise<boolean> {
  if (given.has(port)) return false;
  given.add(port);
  const mark = createSocket('udp4').unref();
  mark.bind(port, '127.0.0.2');
  return await once(mark, 'listening').then(
    () => true,
    () => {
      mark.close();
      return false;
    },
  );
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
    if ((await claim(port + 1)) && (await isFree(port + 1))) return port;
  }
}
