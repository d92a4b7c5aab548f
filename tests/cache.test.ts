/** The cache of docs/scale.md, as it stands there, in front of a visualizer. */
import assert from 'node:assert/strict';
import { Agent, get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { LoopList } from '../apps/visualizer/messages.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { adapted, nginxWith, startProgram, written } from './support/configurations.ts';
import { basic, startGuarded } from './support/guarded.ts';
import { freePort } from './support/ports.ts';
import { startProxy } from './support/proxy.ts';
import { startChain } from './support/services.ts';
import { until } from './support/until.ts';

const CLIENTS = 40;
const stack = new AsyncDisposableStack();
let chain: Awaited<ReturnType<typeof startChain>>;
let folder: string;
let clip: string;
before(async () => {
  folder = stack.use(await temporaryFolder()).path;
  clip = await makeClip(`${folder}/clip.mp4`, { seconds: 1, fps: 10 });
  chain = stack.use(await startChain({ DATA_FILE: clip, SNAPSHOT_CACHE_SECONDS: 1 }));
});
after(() => stack.disposeAsync());

/** Starts the cache in front of a visualizer, and counts what it asks for. */
async function cacheOf(web: string) {
  const asked: string[] = [];
  const between = stack.use(
    await startProxy(web, ({ url = '' }, _, forward) => {
      asked.push(url);
      forward();
    }),
  );
  const port = await freePort();
  const home = stack.use(await temporaryFolder()).path;
  const servers = adapted(written('scale.md', 'nginx-cache.conf'), {
    'listen 80;': `listen 127.0.0.1:${port};`,
    '127.0.0.1:8050': new URL(between.url).host,
    '/var/cache/nginx/noaa': `${home}/cache`,
  });
  const program = stack.use(startProgram(nginxWith(servers, home), home));
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/nothing`)).status === 404, 'nginx').catch(error =>
    assert.fail(`${error.message}: ${program.said()}`),
  );
  return { url, asked };
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** Has many clients ask again and again for this long. `path` gets a number that is new each time. */
async function crowd(url: string, path: (n: number) => string, forMs: number): Promise<Answer[]> {
  using agent = Object.assign(new Agent({ keepAlive: true }), {
    [Symbol.dispose](this: Agent) {
      this.destroy();
    },
  });
  const answers: Answer[] = [];
  let n = 0;
  const endMs = performance.now() + forMs;
  const ask = async () => {
    n += 1;
    const answer = await new Promise<IncomingMessage>((resolve, reject) =>
      get(`${url}${path(n)}`, { agent }, resolve).on('error', reject),
    );
    const { statusCode: status = 0, headers } = answer;
    answers.push({ status, headers, body: await buffer(answer) });
  };
  const client = async () => {
    do await ask();
    while (performance.now() < endMs);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return answers;
}

/** The seconds of the clock that a crowd of this many ms may have seen. */
const mostAsked = (ms: number) => Math.ceil(ms / 1000) + 1;

test('many clients of a cache cost the visualizer one request a second, whatever they ask for, and see what is live', async () => {
  const { url, asked } = await cacheOf(chain.web);
  const beganMs = performance.now();
  const answers = await crowd(url, n => `/snapshot.jpg?client=${n}`, 1600);
  const endedMs = performance.now();
  const most = mostAsked(endedMs - beganMs);
  assert.ok(asked.length >= 2 && asked.length <= most, `${asked.length} of ${most}: ${asked}`);
  assert.ok(answers.length > 3 * CLIENTS, `${answers.length} answers`);
  assert.ok(answers.every(({ status }) => status === 200));
  const { headers } = answers[0]!;
  assert.equal(headers['cache-control'], 'public, max-age=0, s-maxage=1, stale-while-revalidate=1');
  assert.equal(headers['x-redacted'], '1');
  const sequences = new Set(answers.map(each => each.headers['x-sequence']));
  assert.equal(sequences.size, asked.length, 'each that was asked for was shown');

  // After a pause of more than a second there is no old picture.
  await until(() => performance.now() - endedMs > 1200, 'a pause');
  const askedAt = Date.now();
  const [late] = await crowd(url, () => '/snapshot.jpg', 0);
  assert.ok(Number(late!.headers['x-timestamp']) * 1000 > askedAt - 1000, 'a picture of this second');
});

test('a picture of the past is asked for once', async () => {
  const { url, asked } = await cacheOf(chain.web);
  const [picture] = ((await (await fetch(`${url}/loop`)).json()) as LoopList).frames;
  const path = `/loop/${picture!.id}.jpg`;
  const answers = await crowd(url, n => `${path}?client=${n}`, 200);
  assert.deepEqual(asked, ['/loop', path]);
  const theirs = await (await fetch(`${chain.web}${path}`)).bytes();
  for (const { status, headers, body } of answers) {
    assert.equal(status, 200);
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.ok(body.equals(theirs));
  }
});

test('what only some may see is for nobody else, though the setting is on', async () => {
  const guarded = stack.use(
    await startGuarded({ ...chain.environment.visualizer, VISUALIZER_PORT: await freePort() }),
  );
  const web = `http://127.0.0.1:${guarded.environment.VISUALIZER_PORT}`;
  await guarded.service.logged(({ state }) => state === 'live');
  const { url } = await cacheOf(web);
  const anna = { headers: basic('anna', 'correct horse') };
  const [picture] = ((await (await fetch(`${url}/loop`, anna)).json()) as LoopList).frames;
  const wanted = [
    ['/snapshot.jpg', 'no-store'],
    [`/loop/${picture!.id}.jpg`, 'private, max-age=31536000, immutable'],
  ] as const;
  for (const [path, caching] of wanted) {
    const answer = await fetch(`${url}${path}`, anna);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('cache-control'), caching);
    assert.equal((await fetch(`${url}${path}`)).status, 401);
  }
});

test('while there is no picture, many who ask for it cost the visualizer no more', async () => {
  const { url, asked } = await cacheOf(chain.web);
  await chain.services.redactor.stop();
  await until(async () => (await fetch(`${chain.web}/snapshot.jpg`)).status === 503, 'no picture');
  const beganMs = performance.now();
  const answers = await crowd(url, () => '/snapshot.jpg', 1200);
  const most = mostAsked(performance.now() - beganMs);
  assert.ok(asked.length >= 1 && asked.length <= most, `${asked.length} of ${most}`);
  assert.ok(answers.every(({ status }) => status === 503));
});
