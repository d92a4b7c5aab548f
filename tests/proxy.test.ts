/** The configurations of docs/proxy.md, as they stand there, in the proxies themselves. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { json, text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { launch } from './support/browsers.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { freePort } from './support/ports.ts';
import { startChain } from './support/services.ts';
import { until } from './support/until.ts';

const NAME = 'weather.example.org';
const PAGE = readFileSync(new URL('../docs/proxy.md', import.meta.url), 'utf8');

/** Returns a configuration of the page. */
function written(file: string): string {
  const [, block] = new RegExp(`<!-- ${file} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(PAGE) ?? [];
  return block ?? assert.fail(`docs/proxy.md has no ${file}`);
}

/** Replaces what must differ here, and fails if it is not there. */
function adapted(configuration: string, changes: Record<string, string>): string {
  return Object.entries(changes).reduce((made, [from, to]) => {
    assert.ok(made.includes(from), from);
    return made.replaceAll(from, to);
  }, configuration);
}

const stack = new AsyncDisposableStack();
let chain: Awaited<ReturnType<typeof startChain>>;
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

const PROXIES: Record<string, (port: number) => { command: string; args: string[] }> = {
  nginx(port) {
    const server = adapted(written('nginx.conf'), {
      'listen 443 ': `listen 127.0.0.1:${port} `,
      '127.0.0.1:8050': new URL(chain.web).host,
      '/etc/ssl/noaa/': `${folder}/`,
    });
    mkdirSync(`${folder}/nginx`);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const paths = temporary.map(what => `${what}_temp_path ${folder}/nginx/${what};`).join('\n');
    writeFileSync(
      `${folder}/nginx.conf`,
      `pid ${folder}/nginx/pid;\nevents {}\nhttp {\naccess_log off;\n${paths}\n${server}}\n`,
    );
    // As the user who tests, whoever that is.
    const settings = 'daemon off; error_log stderr warn;';
    return { command: 'nginx', args: ['-p', folder, '-c', `${folder}/nginx.conf`, '-g', settings] };
  },
  caddy(port) {
    const site = adapted(written('Caddyfile'), {
      [`${NAME} {`]: `${NAME}:${port} {`,
      '127.0.0.1:8050': new URL(chain.web).host,
      '/etc/ssl/noaa/': `${folder}/`,
    });
    writeFileSync(
      `${folder}/Caddyfile`,
      `{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n${site}`,
    );
    return { command: 'caddy', args: ['run', '--config', `${folder}/Caddyfile`, '--adapter', 'caddyfile'] };
  },
};

for (const [proxy, configure] of Object.entries(PROXIES)) {
  describe(proxy, () => {
    let port = 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const ask = (path: string, headers: Record<string, string> = {}) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const ca = readFileSync(`${folder}/cert.pem`);
        const host = { host: '127.0.0.1', port, servername: NAME, ca, agent };
        request({ ...host, path, headers: { host: `${NAME}:${port}`, ...headers } }, resolve)
          .on('error', reject)
          .end();
      });

    before(async () => {
      port = await freePort();
      const { command, args } = configure(port);
      const child = spawn(command, args, {
        env: {
          PATH: `${process.env['PATH']}:/usr/sbin`,
          HOME: folder,
          XDG_DATA_HOME: folder,
          XDG_CONFIG_HOME: folder,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk));
      const ended = once(child, 'close');
      stack.defer(async () => {
        child.kill();
        await ended;
      });
      await until(async () => (await ask('/weather/livez')).statusCode === 200, proxy).catch(error =>
        assert.fail(`${error.message}: ${said}`),
      );
    });
    after(() => agent.destroy());

    test('the picture is at a path of its own, over TLS, and the client’s address arrives', async () => {
      assert.equal((await ask('/weather')).headers.location?.replace(/^https:\/\/[^/]+/, ''), '/weather/');
      assert.match(await text(await ask('/weather/')), /<title>noaa-pod/);
      const status = (await json(await ask('/weather/status', { 'x-forwarded-for': '203.0.113.9' }))) as {
        client: object;
      };
      // What the client itself claims does not count.
      assert.deepEqual(status.client, { address: '127.0.0.1' });
      assert.equal((await ask('/weather/snapshot.jpg')).statusCode, 200);
    });

    test('each frame of a stream comes when it is sent, and connections are used again', async () => {
      for (const path of ['/weather/stream', '/weather/stream.mjpg']) {
        const stream = await ask(path);
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
        const answer = await ask(['/weather/', '/weather/script/main.js', '/weather/loop'][turn % 3]!);
        assert.equal(answer.statusCode, 200);
        await text(answer);
      }
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
