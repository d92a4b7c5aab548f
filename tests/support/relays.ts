/** Relays, and origins that are none of ours. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Status } from '../../apps/visualizer/messages.ts';
import { freePort } from './ports.ts';
import { startService } from './services.ts';

/** Starts a visualizer that watches another one. */
export async function startRelay(source: string, more: Record<string, string | number> = {}) {
  const port = await freePort();
  const web = `http://127.0.0.1:${port}`;
  const service = startService('visualizer', { SOURCE_URL: source, VISUALIZER_PORT: port, ...more });
  return { service, web, port, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

export const statusOf = async (web: string) => (await (await fetch(`${web}/status`)).json()) as Status;

/** Serves HTTP on a free port, in the place of a visualizer. */
export async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    web: `http://127.0.0.1:${port}`,
    server,
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
