/** What pages of other sites may do: nothing, unless they are listed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { Page } from 'puppeteer-core';
import { readEnv } from '../apps/common/env.ts';
import { embeddingSchema } from '../apps/visualizer/embedding.ts';
import { launch } from './support/browsers.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { freePort } from './support/ports.ts';
import { startChain, startService } from './support/services.ts';
import { open } from './support/streams.ts';
import { until } from './support/until.ts';

const stack = new AsyncDisposableStack();
let chain: Awaited<ReturnType<typeof startChain>>;
/** The same picture from a server that lists one site. */
let web: string;
/** Sites of another scheme, name or port than the picture's: the first is listed. */
let friend: string;
let stranger: string;

const site = async () => {
  const server = createServer((_, response) =>
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>other site</title>'),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => void server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

before(async () => {
  const folder = stack.use(await temporaryFolder());
  chain = stack.use(await startChain({ DATA_FILE: await makeClip(`${folder.path}/clip.mp4`) }));
  [friend, stranger] = [await site(), await site()];
  const port = await freePort();
  stack.use(
    startService('visualizer', {
      ...chain.environment.visualizer,
      VISUALIZER_PORT: port,
      ALLOWED_ORIGINS: `${friend}, https://*.example.org`,
      FRAME_ANCESTORS: `self, ${friend}`,
    }),
  );
  web = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${web}/readyz`)).ok, 'the picture');
});
after(() => stack.disposeAsync());

const PATHS = ['/', '/status', '/loop', '/snapshot.jpg', '/none', '/stream?fps=x'];
const headersFor = async (url: string, headers: Record<string, string>, method = 'GET') => {
  const answer = await open(url, undefined, headers, method);
  answer.destroy();
  return answer;
};

test('without settings no site may frame the page or read anything, whatever it asks', async () => {
  for (const path of PATHS) {
    const { headers } = await headersFor(chain.web + path, { origin: friend, referer: `${friend}/` });
    assert.equal(headers['access-control-allow-origin'], undefined, path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/, path);
  }
});

test('a listed site may read every answer, with credentials, and no cache mixes it up with others', async () => {
  for (const origin of [friend, 'https://a.example.org', 'https://a.b.example.org']) {
    for (const path of [...PATHS, '/stream', '/stream.mjpg']) {
      const { headers } = await headersFor(web + path, { origin });
      assert.equal(headers['access-control-allow-origin'], origin, path);
      assert.equal(headers['access-control-allow-credentials'], 'true');
      assert.match(headers.vary ?? '', /\bOrigin\b/, path);
      assert.match(headers['access-control-expose-headers'] ?? '', /X-Sequence/);
    }
  }
});

test('no other may, however near its name is', async () => {
  for (const origin of [
    stranger,
    'null',
    `${friend}0`,
    friend.replace('http:', 'https:'),
    'https://example.org',
    'https://evilexample.org',
    'https://a.example.org.evil.example',
    'http://a.example.org',
    'https://a.example.org:8443',
    'https://A.example.org',
    `${friend}, ${stranger}`,
  ]) {
    const { headers } = await headersFor(`${web}/status`, { origin, referer: `${friend}/` });
    assert.equal(headers['access-control-allow-origin'], undefined, origin);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', origin);
    assert.match(headers.vary ?? '', /\bOrigin\b/);
  }
});

test('a browser’s question before a request is answered for listed sites only', async () => {
  const ask = (origin: string) =>
    headersFor(`${web}/status`, { origin, 'access-control-request-method': 'GET' }, 'OPTIONS');
  const yes = await ask(friend);
  assert.equal(yes.statusCode, 204);
  assert.equal(yes.headers['access-control-allow-origin'], friend);
  assert.match(String(yes.headers['access-control-allow-methods']), /GET/);
  const no = await ask(stranger);
  assert.notEqual(no.statusCode, 204);
  assert.equal(no.headers['access-control-allow-origin'], undefined);
});

test('in a browser, pages of a listed site read streams and pictures and show the page; those of another get nothing', async () => {
  await using browser = await launch('chromium');
  const tryIt = async (from: string) => {
    const page: Page = await browser.newPage();
    await page.goto(from);
    const got = await page.evaluate(`(async () => {
      const within = (ms, promise) => Promise.race([promise, new Promise(r => setTimeout(r, ms, 'nothing'))]);
      const json = fetch('${web}/status', { credentials: 'include' }).then(async r => (await r.json()).state, () => 'refused');
      const events = new Promise(resolve => {
        const source = new EventSource('${web}/stream', { withCredentials: true });
        source.addEventListener('frame', () => { source.close(); resolve('frames'); });
        source.addEventListener('error', () => resolve('refused'));
      });
      const image = new Promise(resolve => {
        const img = document.createElement('img');
        img.onload = () => resolve('shown');
        img.onerror = () => resolve('refused');
        img.src = '${web}/snapshot.jpg';
      });
      const loaded = new Promise(resolve => {
        const frame = document.createElement('iframe');
        frame.src = '${web}/';
        frame.onload = () => resolve('loaded');
        document.body.append(frame);
      });
      return [await within(8000, json), await within(8000, events), await within(8000, image), await within(8000, loaded)];
    })()`);
    const frame = page.frames().find(each => each !== page.mainFrame());
    const title = await frame?.title().catch(() => '');
    await page.close();
    return [...(got as string[]).slice(0, 3), /noaa/.test(title ?? '') ? 'framed' : 'not framed'];
  };
  assert.deepEqual(await tryIt(friend), ['live', 'frames', 'shown', 'framed']);
  assert.deepEqual(await tryIt(stranger), ['refused', 'refused', 'refused', 'not framed']);
});

test('a site that is none is refused with a sentence', () => {
  const read = (ALLOWED_ORIGINS: string, FRAME_ANCESTORS = '') =>
    readEnv(embeddingSchema, { ALLOWED_ORIGINS, FRAME_ANCESTORS });
  assert.deepEqual(read('HTTPS://Ops.Example.org:443 http://[::1]:80,https://*.x.org').ALLOWED_ORIGINS, [
    'https://ops.example.org',
    'http://[::1]',
    'https://*.x.org',
  ]);
  assert.deepEqual(read('', "'self' https://a.org").FRAME_ANCESTORS, ['self', 'https://a.org']);
  for (const wrong of [
    '*',
    'ops.example.org',
    'https://a.org/path',
    'null',
    'https://*',
    'https://a.*.org',
    'self',
    'data:',
    'https://a.org;script-src',
    'https://u@a.org',
    'https://a.org:99999',
  ])
    assert.throws(() => read(wrong), /ALLOWED_ORIGINS=.* must be sites with their scheme/, wrong);
  assert.throws(() => read('', 'https://a.org; script-src'), /FRAME_ANCESTORS=/);
});
