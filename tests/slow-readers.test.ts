/** Clients that read an ordinary answer a byte now and then, or not at all, over each protocol. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type CreateServer, createBoundedServer, listen } from '../apps/common/http.ts';
import { SecureServer } from '../apps/common/secure-server.ts';
import { makePair } from './support/certificates.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { startChain } from './support/services.ts';
import { until } from './support/until.ts';

/** Far more than kernels buffer. */
const LARGE = Buffer.alloc(32 * 2 ** 20);
const ANSWER_MS = 700;
const BYTE_EVERY_MS = 20;

let port: number;
const stop = new AbortController();
/** The paths whose answers have ended, and whether whole. */
const ended = new Map<string, boolean>();

before(async () => {
  await using folder = await temporaryFolder();
  const { cert, keyFile } = await makePair(folder.path, 'server');
  const key = await readFile(keyFile, 'utf8');
  const create: CreateServer = (options, listener) => new SecureServer({ cert, key }, options, listener);
  const server = createBoundedServer(
    ({ url = '' }, response) => {
      response.once('close', () => ended.set(url, response.writableFinished));
      response.end(
        url === '/small' ? 'here' : url.startsWith('/stream') ? LARGE.subarray(0, 500_000) : LARGE,
      );
    },
    { connections: 16, answerMs: ANSWER_MS },
    undefined,
    create,
  );
  const endpoint = { host: '127.0.0.1', port: 0, variable: 'VISUALIZER_PORT' };
  port = (await listen(server, endpoint, stop.signal)).port;
});
after(() => stop.abort());

const ALPN = { http1: ['http/1.1'], http2: ['h2'] };

async function requestBy(socket: Socket, connected: string, path: string): Promise<Socket> {
  await once(socket, connected);
  socket.on('error', () => {}).pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

const dial = {
  'HTTP/1.1': (path: string) => requestBy(connect(port, '127.0.0.1'), 'connect', path),
  'HTTP/1.1 over TLS': (path: string) =>
    requestBy(
      connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ALPN.http1 }),
      'secureConnect',
      path,
    ),
};

/** Reads a byte now and then until the connection ends. */
function sip(readable: Socket | ClientHttp2Stream): NodeJS.Timeout {
  return setInterval(() => readable.read(1), BYTE_EVERY_MS).unref();
}

describe('of each protocol', { concurrency: true }, () => {
  for (const [protocol, ask] of Object.entries(dial)) {
    for (const reads of ['a byte now and then', 'nothing'] as const) {
      test(`${protocol}: an answer of which a client reads ${reads} ends at its time`, async () => {
        const path = `/large/${protocol}/${reads}`.replaceAll(' ', '-');
        const beganMs = performance.now();
        const socket = await ask(path);
        const sipping = reads === 'nothing' ? undefined : sip(socket);
        await until(() => ended.has(path), 'the end of the answer', 5000);
        assert.equal(ended.get(path), false);
        assert.ok(performance.now() - beganMs > ANSWER_MS - 100);
        clearInterval(sipping);
        socket.destroy();
      });
    }
  }

  test('HTTP/2: streams that a client does not take end at their time, while it pings; its others are answered', async () => {
    const session = connectHttp2(`https://localhost:${port}`, {
      rejectUnauthorized: false,
      settings: { initialWindowSize: 1 },
    });
    const paths = Array.from({ length: 8 }, (_, at) => `/stream/${at}`);
    const codes = paths.map(async path => {
      const stream = session.request({ ':path': path }).on('error', () => {});
      const sipping = sip(stream);
      await new Promise(resolve => stream.once('close', resolve));
      clearInterval(sipping);
      return stream.rstCode;
    });
    const pinging = setInterval(() => session.ping(() => {}), 100);
    assert.ok(!(await Promise.all(codes)).includes(constants.NGHTTP2_NO_ERROR));
    assert.deepEqual(
      paths.map(path => ended.get(path)),
      paths.map(() => false),
    );
    const other = session.request({ ':path': '/small' });
    const [{ ':status': status }] = await once(other, 'response');
    assert.equal(status, 200);
    clearInterval(pinging);
    session.destroy();
  });
});

test('pictures that nobody takes, over HTTP/2, are cut once they hold too much memory; the picture stays live', async () => {
  await using folder = await temporaryFolder();
  const { certFile, keyFile } = await makePair(folder.path, 'server');
  // Noise, so that a picture is a megabyte.
  const noise = { size: '1280x720', seconds: 1, fps: 2, filters: 'noise=alls=100' };
  const clip = await makeClip(`${folder.path}/clip.mp4`, noise);
  await using chain = await startChain({
    DATA_FILE: clip,
    JPEG_QUALITY: 100,
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
  });
  const { port } = new URL(chain.web);
  const codes: number[] = [];
  const sessions = Array.from({ length: 12 }, () => {
    const session = connectHttp2(`https://localhost:${port}`, {
      rejectUnauthorized: false,
      settings: { initialWindowSize: 1 },
    }).on('error', () => {});
    for (let times = 0; times < 10; times += 1) {
      const stream = session.request({ ':path': '/snapshot.jpg' }).on('error', () => {});
      stream.once('close', () => codes.push(stream.rstCode));
    }
    return session;
  });
  await until(() => codes.includes(constants.NGHTTP2_CANCEL), 'the oldest to be cut', 40_000);
  const other = connectHttp2(`https://localhost:${port}`, { rejectUnauthorized: false });
  assert.equal(JSON.parse(await text(other.request({ ':path': '/status' }))).state, 'live');
  for (const session of [...sessions, other]) session.destroy();
});
