/**
 * The upper bound: Node's own HTTP server, which writes one ready buffer to every connection that has drained, at a given
 * rate, and does nothing else; with TLS, its own HTTPS server.
 */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Picture } from '../../apps/visualizer/picture.ts';

export interface BareTask {
  /** Path of the picture. */
  jpeg: string;
  fps: number;
  stream: 'sse' | 'part';
  /** Paths of a certificate and its key, for TLS. */
  tls?: { certFile: string; keyFile: string };
}

const { jpeg, fps, stream, tls } = JSON.parse(process.argv[2]!) as BareTask;
process.once('disconnect', () => process.exit());
const facts = {
  seq: 0,
  width: 1920,
  height: 1080,
  publishedAt: Date.now(),
  position: 0,
  latencyMs: 0,
  validAt: null,
  mask: null,
};
const event = new Picture(readFileSync(jpeg), facts)[stream];
const viewers = new Set<ServerResponse>();
const answer: RequestListener = (_, response) => {
  response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).flushHeaders();
  viewers.add(response);
  response.once('close', () => viewers.delete(response));
};
const server = tls
  ? createSecureServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, answer)
  : createServer(answer);
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
setInterval(() => {
  for (const viewer of viewers) if (!viewer.writableNeedDrain) viewer.write(event);
}, 1000 / fps);
