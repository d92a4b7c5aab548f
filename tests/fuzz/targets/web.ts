import assert from 'node:assert/strict';
import { argon2 } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { readEnv } from '../../../apps/common/env.ts';
import { listen } from '../../../apps/common/http.ts';
import { ThrottledLog } from '../../../apps/common/throttled-log.ts';
import { nowSeconds, Tokens } from '../../../apps/visualizer/access/tokens.ts';
import { writeUsers } from '../../../apps/visualizer/access/users-file.ts';
import { schema } from '../../../apps/visualizer/config.ts';
import { createHttpServer } from '../../../apps/visualizer/server.ts';
import { openWeb } from '../../../apps/visualizer/web.ts';
import { temporaryFolder } from '../../support/clips.ts';
import { feedFor, frameOf } from '../../support/feed.ts';
import { freePort } from '../../support/ports.ts';
import type { Target } from '../engine.ts';

export const web: Target[] = [
  {
    name: 'http',
    files:
      /apps\/visualizer\/(server|compressed)\.ts$|apps\/common\/(http|answers|connections|allowed-hosts)\.ts$/,
    seeds: () =>
      [
        '/',
        '/stream?fps=5',
        '/snapshot.jpg',
        '/loop',
        '/loop/abc.jpg',
        '/status',
        '/metrics',
        '/readyz',
        '/none',
        '/stream.mjpg',
        '/snapshot.jpg?marking=0',
        '/script/main.js',
      ].map(path =>
        Buffer.from(
          `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip, br\r\nRange: bytes=0-9\r\nIf-None-Match: "a"\r\nX-Relay: 0123456789abcdef\r\n\r\n`,
        ),
      ),
    dictionary: [
      '\r\n',
      '\r\n\r\n',
      'Host: ',
      'Content-Length: 5',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
      'Connection: Upgrade',
      'Upgrade: h2c',
      'Cookie: ',
      'Authorization: Basic ',
      'X-Forwarded-For: ',
      '..%2f',
      '%00',
      '//',
      '?fps=',
      'HTTP/1.0',
      'HEAD ',
      'POST ',
      'OPTIONS ',
      '0\r\n\r\n',
    ],
    maxBytes: 1024,
    limitMs: 2000,
    atOnce: 16,
    open: () => openServer({}),
  },
  {
    name: 'login',
    files: /apps\/visualizer\/access\/[\w-]+\.ts$/,
    async seeds() {
      const claims = { expires: nowSeconds() + 3600, id: 'fuzz' };
      const [link, cookie] = (['link', 'session'] as const).map(purpose =>
        new Tokens(ACCESS_KEY).sign(purpose, claims),
      );
      const form = 'user=anna&password=correct+horse&to=%2F&consent=yes';
      const basic = `Basic ${Buffer.from('anna:correct horse').toString('base64')}`;
      const get = (path: string, ...lines: string[]) =>
        `GET ${path} HTTP/1.1\r\n${['Host: localhost', ...lines].join('\r\n')}\r\n\r\n`;
      const post = (path: string, ...lines: string[]) =>
        `${get(path, 'Content-Type: application/x-www-form-urlencoded', `Content-Length: ${form.length}`, ...lines).replace('GET', 'POST')}${form}`;
      return [
        get('/'),
        get('/login?to=/status'),
        get(`/login?link=${link}`),
        get(`/login?consent=yes&link=${link}`),
        get('/status', `Cookie: noaa=${cookie}`, 'X-Forwarded-For: 10.1.2.3, ::1'),
        get('/status', `Authorization: ${basic}`, 'X-Forwarded-Proto: https'),
        get('/status', 'X-User: anna'),
        get('/metrics', 'Authorization: Bearer abc'),
        post('/login', 'Origin: http://localhost'),
        post('/login', 'Origin: http://evil.example'),
        post('/logout', `Cookie: noaa=${cookie}`, 'Origin: http://localhost'),
        get('/logout', `Cookie: noaa=${cookie}`),
        get('/', 'Accept: text/html', 'User-Agent: Mozilla/5.0', 'Sec-Fetch-Site: cross-site'),
        get('/', `Authorization: ${basic}`, 'Accept: text/html', 'Sec-Fetch-Mode: navigate'),
        get('/status', 'X-User: anna', 'X-Consent: yes'),
        get('/login.css'),
      ].map(text => Buffer.from(text, 'latin1'));
    },
    dictionary: [
      '\r\nCookie: noaa=',
      '\r\nAuthorization: Basic ',
      '\r\nAuthorization: Bearer ',
      '\r\nX-Forwarded-For: ',
      '\r\nX-User: ',
      '\r\nSec-Fetch-Site: cross-site',
      '?link=',
      '&to=//evil.example',
      'consent=yes',
      'user=ben&password=',
      'YW5uYTo=',
      '%0d%0a',
    ],
    maxBytes: 2048,
    limitMs: 2000,
    atOnce: 16,
    async open() {
      const folder = await temporaryFolder();
      const at = (name: string) => `${folder.path}/${name}`;
      await writeUsers(at('users'), new Map([['anna', await quickHash('correct horse')]]));
      await writeFile(at('key'), ACCESS_KEY.toString('hex'));
      await writeFile(at('consent'), 'For official use.');
      await writeFile(at('token'), 'x'.repeat(32));
      const server = await openServer({
        USERS_FILE: at('users'),
        ACCESS_KEY_FILE: at('key'),
        CONSENT_FILE: at('consent'),
        METRICS_TOKEN_FILE: at('token'),
        TRUSTED_PROXIES: '127.0.0.1',
        TRUSTED_USER_HEADER: 'X-User',
      });
      return {
        run: server.run,
        async [Symbol.asyncDispose]() {
          await server[Symbol.asyncDispose]();
          await folder[Symbol.asyncDispose]();
        },
      };
    },
  },
];

/** Returns a hash that a users file may have, of the lowest cost there is. */
async function quickHash(password: string): Promise<string> {
  const nonce = Buffer.alloc(16, 1);
  const cost = { memory: 8, passes: 1, parallelism: 1 };
  const tag = await promisify(argon2)('argon2id', { message: password, nonce, tagLength: 32, ...cost });
  const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=8,t=1,p=1$${unpadded(nonce)}$${unpadded(tag)}`;
}

const ACCESS_KEY = Buffer.alloc(32, 7);

/** The visualizer's real server, in this process so that its coverage is known. */
async function openServer(settings: Record<string, string>) {
  const stop = new AbortController();
  const places = { max: 24, perAddress: 20, perUser: 20, heldBytes: Number.POSITIVE_INFINITY };
  const { feed, telemetry, encoding } = feedFor({ places, loop: { maxBytes: 1e5, maxFrames: 4 } });
  const show = () => {
    feed.take(frameOf(Math.floor(performance.now()) & 255));
    setImmediate(() => {
      for (const turn of encoding.splice(0)) turn.resolve();
    });
  };
  show();
  const showing = setInterval(show, 50);
  const log = pino({ level: 'silent' });
  const config = readEnv(schema, settings);
  const web = await openWeb(config, log, telemetry, stop.signal);
  const server = createHttpServer({ feed, telemetry, log, warnings: new ThrottledLog(log), ...web });
  const port = await freePort();
  await listen(server, { host: '127.0.0.1', port, variable: 'VISUALIZER_PORT' }, stop.signal);
  return {
    async run(input: Buffer) {
      const answer = await new Promise<string>(resolve => {
        const socket = connect(port, '127.0.0.1');
        const done = (text: string) => {
          clearTimeout(timer);
          socket.destroy();
          resolve(text);
        };
        // An unfinished request is not answered; what matters is that the next one is.
        const timer = setTimeout(done, UNANSWERED_MS, '');
        socket.on('error', () => done(''));
        socket.once('close', () => done(''));
        socket.once('data', bytes => done(bytes.toString('latin1')));
        socket.write(input);
      });
      if (answer === '') return;
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
      assert.ok(status !== undefined, `no answer of HTTP: ${answer.slice(0, 80)}`);
      assert.ok(!/^50[012]/.test(status), `${status} to ${JSON.stringify(input.toString('latin1'))}`);
    },
    async [Symbol.asyncDispose]() {
      const alive = await fetch(`http://127.0.0.1:${port}/livez`);
      assert.equal(alive.status, 200);
      clearInterval(showing);
      stop.abort();
      feed[Symbol.dispose]();
    },
  };
}

const UNANSWERED_MS = 20;
