/** The configurations of docs/proxy.md, as they stand there, in the proxies themselves. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { json, text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { launch } from './support/browsers.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { adapted, nginxWith, startProgram, written } from './support/configurations.ts';
import { type Guarded, PASSWORDS, startGuarded } from './support/guarded.ts';
import { freePort } from './support/ports.ts';
import { startChain } from './support/services.ts';
import { until } from './support/until.ts';

const NAME = 'weather.example.org';
const stack = new AsyncDisposableStack();
let chain: Awaited<ReturnType<typeof startChain>>;
let guarded: Guarded;
let folder: string;
before(async () => {
  folder = stack.use(await temporaryFolder()).path;
  chain = stack.use(
    await startChain({
      DATA_FILE: await makeClip(`${folder}/clip.mp4`),
      ALLOWED_HOSTS: NAME,
      TRUSTED_PROXIES: '127.0.0.1',
    }),
  );
  guarded = stack.use(await startGuarded({ ALLOWED_HOSTS: NAME, TRUSTED_PROXIES: '127.0.0.1' }));
  const subject = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`];
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  execFileSync(
    'openssl',
    [...made, ...subject, '-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`],
    {
      stdio: 'ignore',
    },
  );
});
after(() => stack.disposeAsync());

/** Where a proxy listens, what it leads to, and a folder of its own. */
interface Place {
  port: number;
  upstream: string;
  home: string;
}

const PROXIES: Record<string, (place: Place) => { command: string; args: string[] }> = {
  nginx({ port, upstream, home }) {
    const server = adapted(written('proxy.md', 'nginx.conf'), {
      'listen 443 ': `listen 127.0.0.1:${port} `,
      '127.0.0.1:8050': new URL(upstream).host,
      '/etc/ssl/noaa/': `${folder}/`,
    });
    return nginxWith(server, home);
  },
  caddy({ port, upstream, home }) {
    const site = adapted(written('proxy.md', 'Caddyfile'), {
      [`${NAME} {`]: `${NAME}:${port} {`,
      '127.0.0.1:8050': new URL(upstream).host,
      '/etc/ssl/noaa/': `${folder}/`,
    });
    writeFileSync(
      `${home}/Caddyfile`,
      `{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n${site}`,
    );
    return { command: 'caddy', args: ['run', '--config', `${home}/Caddyfile`, '--adapter', 'caddyfile'] };
  },
};

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
after(() => agent.destroy());

function ask(port: number, path: string, headers: Record<string, string> = {}, body?: string) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const ca = readFileSync(`${folder}/cert.pem`);
  const host = { host: '127.0.0.1', port, servername: NAME, ca, agent };
  const method = body === undefined ? 'GET' : 'POST';
  request({ ...host, method, path, headers: { host: `${NAME}:${port}`, ...headers } }, resolve)
    .on('error', reject)
    .end(body);
  return promise;
}

/** Reads the answer to its end, so that its connection can be used again. */
async function whole(...request: Parameters<typeof ask>) {
  const answer = await ask(...request);
  const { statusCode, headers } = answer;
  return { statusCode, headers, body: await text(answer) };
}

/** Starts a proxy, which ends with the tests, and returns its port. */
async function startProxy(proxy: string, upstream: string): Promise<number> {
  const port = await freePort();
  const home = `${folder}/${proxy}-${port}`;
  mkdirSync(home);
  const program = stack.use(startProgram(PROXIES[proxy]!({ port, upstream, home }), home));
  await until(async () => (await ask(port, '/weather/livez')).statusCode === 200, proxy).catch(error =>
    assert.fail(`${error.message}: ${program.said()}`),
  );
  return port;
}

for (const proxy of Object.keys(PROXIES)) {
  describe(proxy, () => {
    let port = 0;
    before(async () => {
      port = await startProxy(proxy, chain.web);
    });

    test('the picture is at a path of its own, over TLS, and the client’s address arrives', async () => {
      assert.equal(
        (await ask(port, '/weather')).headers.location?.replace(/^https:\/\/[^/]+/, ''),
        '/weather/',
      );
      assert.match(await text(await ask(port, '/weather/')), /<title>noaa-pod/);
      const status = (await json(
        await ask(port, '/weather/status', { 'x-forwarded-for': '203.0.113.9' }),
      )) as {
        client: object;
      };
      // What the client itself claims does not count.
      assert.deepEqual(status.client, { address: '127.0.0.1' });
      assert.equal((await ask(port, '/weather/snapshot.jpg')).statusCode, 200);
    });

    test('each frame of a stream comes when it is sent, and connections are used again', async () => {
      for (const path of ['/weather/stream', '/weather/stream.mjpg']) {
        const stream = await ask(port, path);
        const arrivals: number[] = [];
        for await (const chunk of stream) {
          if (/event: frame|--noaa-frame/.test(chunk.toString('latin1'))) arrivals.push(performance.now());
          if (arrivals.length === 12) break;
        }
        const gaps = arrivals.slice(1).map((at, index) => at - arrivals[index]!);
        assert.ok(
          Math.max(...gaps) < 1500,
          `${path}: a frame came ${Math.max(...gaps)} ms after the one before it`,
        );
        stream.destroy();
      }
      for (let turn = 0; turn < 60; turn += 1) {
        const answer = await ask(port, ['/weather/', '/weather/script/main.js', '/weather/loop'][turn % 3]!);
        assert.equal(answer.statusCode, 200);
        await text(answer);
      }
    });

    test('a login, a link and a logout stay at the path, and the cookie is for this host over TLS alone', async () => {
      const port = await startProxy(proxy, guarded.url);
      const page = { accept: 'text/html' };
      for (const [path, action] of [
        ['/weather/?x=1', 'login'],
        ['/weather/a/b', '../login'],
      ] as const) {
        const refused = await whole(port, path, page);
        assert.equal(refused.statusCode, 401);
        assert.ok(refused.body.includes(`<form method="post" action="${action}">`), path);
      }
      const at = (path: string) => new URL(path, `https://${NAME}:${port}/weather/login`);
      assert.match((await whole(port, at('login.css').pathname)).body, /color-scheme/);
      const form = {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
        origin: `https://${NAME}:${port}`,
      };
      const login = (password: string) =>
        whole(port, '/weather/login', form, `${new URLSearchParams({ user: 'anna', password, to: '?x=1' })}`);
      assert.equal((await login('wrong password')).statusCode, 401);
      const entered = await login(PASSWORDS['anna']!);
      assert.equal(entered.statusCode, 303);
      assert.equal(at(entered.headers.location!).href, `https://${NAME}:${port}/weather/?x=1`);
      const [set = ''] = entered.headers['set-cookie'] ?? [];
      assert.match(set, /^__Host-noaa=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure$/);
      const cookie = set.split(';')[0]!;
      assert.equal((await whole(port, '/weather/status', { cookie })).statusCode, 200);
      assert.equal((await whole(port, '/weather/logout', { ...form, cookie }, '')).statusCode, 200);
      assert.equal((await whole(port, '/weather/status', { cookie })).statusCode, 401);

      const link = guarded.tokens.sign('link', { expires: Math.floor(Date.now() / 1000) + 60, id: proxy });
      const opened = await whole(port, `/weather/login?link=${link}`, page);
      const { refresh = '' } = opened.headers as Record<string, string>;
      assert.equal(at(/^0; url=(.*)$/.exec(refresh)?.[1] ?? 'none').pathname, '/weather/');
      const guest = opened.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
      assert.equal((await whole(port, '/weather/', { ...page, cookie: guest })).statusCode, 200);
    });

    test('the page works there: live picture, loop and all that it loads', async () => {
      await using browser = await launch('chromium', {
        chromium: ['--ignore-certificate-errors', `--host-resolver-rules=MAP ${NAME} 127.0.0.1`],
      });
      const page = await browser.newPage();
      const failed: string[] = [];
      page.on('response', answer => void (answer.status() >= 400 && failed.push(answer.url())));
      const outside: string[] = [];
      page.on('request', each => {
        if (!each.url().startsWith(`https://${NAME}:${port}/weather/`) && !each.url().startsWith('blob:'))
          outside.push(each.url());
      });
      await page.goto(`https://${NAME}:${port}/weather/`);
      await page.waitForSelector('html[data-state="live"]', { timeout: 20_000 });
      await page.keyboard.press('o');
      await page.waitForSelector('html[data-state="loop"]', { timeout: 20_000 });
      assert.deepEqual([failed, outside], [[], []]);
    });
  });
}
