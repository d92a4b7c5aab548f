import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { pino } from 'pino';
import { readEnv } from '../../../apps/common/env.ts';
import { listen } from '../../../apps/common/http.ts';
import { ThrottledLog } from '../../../apps/common/throttled-log.ts';
import { hashPassword } from '../../../apps/visualizer/access/password.ts';
import { nowSeconds, Tokens } from '../../../apps/visualizer/access/tokens.ts';
import { writeUsers } from '../../../apps/visualizer/access/users-file.ts';
import { schema } from '../../../apps/visualizer/config.ts';
import { createHttpServer } from '../../../apps/visualizer/server.ts';
import { openWeb } from '../../../apps/visualizer/web.ts';
import { temporaryFolder } from '../../support/clips.ts';
import { feedFor } from '../../support/feed.ts';
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
      ].map(path =>
        Buffer.from(
          `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip, br\r\nRange: bytes=0-9\r\nIf-None-Match: "a"\r\n\r\n`,
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
        post('/logout', `Cookie: noaa=${cookie}`),
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
    async open() {
      const folder = await temporaryFolder();
      const at = (name: string) => `${folder.path}/${name}`;
      await writeUsers(at('users'), new Map([['anna', await hashPassword('correct horse')]]));
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

const ACCESS_KEY = Buffer.alloc(32, 7);

/** The visualizer's real server, in this process so that its coverage is known. */
async function openServer(settings: Record<string, string>) {
  const stop = new AbortController();
  const { feed, telemetry } = feedFor();
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
      stop.abort();
      feed[Symbol.dispose]();
    },
  };
}

const UNANSWERED_MS = 20;
