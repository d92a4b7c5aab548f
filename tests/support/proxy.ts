/** Proxies between a browser and the visualizer, as networks have them. */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers a request, by `forward` or otherwise. */
export type Handle = (
  request: IncomingMessage,
  response: ServerResponse,
  forward: (body?: (answer: IncomingMessage) => void) => void,
) => void;

/** Starts a proxy in front of `web`; `forward` may be given what to do with the answer's body. */
export async function startProxy(web: string, handle: Handle) {
  const server = createServer((request, response) => {
    handle(request, response, body => {
      const { host: _, ...headers } = request.headers;
      const onward = get(`${web}${request.url}`, { headers, agent: false }, answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        if (body) body(answer);
        else answer.pipe(response);
      }).on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** Passes a request on to the first server that takes it, as proxies do: one that is gone or says 503 is passed over. */
export function passOn(ports: number[], theirs: IncomingMessage, ours: ServerResponse): void {
  const [port, ...others] = ports;
  if (port === undefined) {
    ours.writeHead(502).end();
    return;
  }
  const { url, headers } = theirs;
  const asked = request({ port, host: '127.0.0.1', path: url, headers, agent: false }, answer => {
    if (answer.statusCode === 503) {
      answer.destroy();
      passOn(others, theirs, ours);
      return;
    }
    ours.writeHead(answer.statusCode ?? 502, answer.headers);
    ours.once('close', () => answer.destroy());
    answer.pipe(ours);
  });
  asked.once('error', () => passOn(others, theirs, ours));
  asked.end();
}

/** Holds every event stream back, as proxies do that wait for the end of an answer. */
export const holdStreams: Handle = (request, _, forward) => {
  if (!request.url?.startsWith('/stream')) forward();
};

/** Asks for a name and a password, by HTTP's Basic authentication. */
export function askPassword(name: string, password: string): Handle {
  const wanted = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  return (request, response, forward) => {
    if (request.headers.authorization === wanted) forward();
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="weather"' }).end();
  };
}

/** Passes event streams on later and later, up to `mostMs`. */
export function delayStreams(mostMs: number): Handle {
  return (request, response, forward) => {
    if (!request.url?.startsWith('/stream')) return forward();
    const beganMs = performance.now();
    forward(answer => {
      answer.on('data', (chunk: Buffer) => {
        const late = () => response.destroyed || response.write(chunk);
        setTimeout(late, Math.min(mostMs, performance.now() - beganMs));
      });
    });
  };
}
