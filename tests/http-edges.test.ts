/** What the visualizer serves to hostile, careless and slow clients. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { metric, startChain } from './support/services.ts';
import { until } from './support/until.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let chain: Awaited<ReturnType<typeof startChain>>;
before(async () => {
  folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  chain = await startChain({ DATA_FILE: clip, ALLOWED_HOSTS: 'noaa.example.org, *.lan.example' });
});
after(async () => {
  await chain[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const watching = async () =>
  (await metric(chain.web, 'noaa_visualizer_viewers{stream="sse"}'))! +
  (await metric(chain.web, 'noaa_visualizer_viewers{stream="mjpeg"}'))!;

/** A client that speaks HTTP by hand. */
class Client {
  readonly socket: Socket;
  said = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket
      .on('error', () => {})
      .on('data', bytes => {
        this.said += bytes.toString('latin1');
      });
  }

  static async connect(url = chain.web, allowHalfOpen = false): Promise<Client> {
    const { hostname: host, port } = new URL(url);
    const socket = connect({ port: Number(port), host, allowHalfOpen });
    await once(socket, 'connect');
    return new Client(socket);
  }

  /** Sends and returns everything that comes until the server closes. */
  static async ask(text: string, url = chain.web): Promise<string> {
    const client = await Client.connect(url);
    client.socket.write(text);
    await once(client.socket, 'close', { signal: AbortSignal.timeout(10_000) });
    return client.said;
  }
}

const request = (host: string, path = '/livez', more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;
const statusOf = (said: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1]);

describe('the Host that a client asks for', () => {
  const own = ['localhost', 'localhost.', 'LOCALHOST:1', 'tv.localhost', hostname(), `${hostname()}:80`];
  const addresses = ['127.0.0.1', '192.168.1.7:8050', '[::1]', '[fe80::1]:8050'];
  const allowed = ['noaa.example.org', 'Noaa.Example.Org:443', 'wall.lan.example'];
  for (const host of [...own, ...addresses, ...allowed]) {
    test(`${host} is answered`, async () => {
      assert.equal(statusOf(await Client.ask(request(host))), 200);
    });
  }

  const refused = async (host: string, path: string) => {
    const said = await Client.ask(request(host, path));
    assert.equal(statusOf(said), 421);
    assert.match(said, /\r\n\r\n"[^"]+" is not a name of this server.*ALLOWED_HOSTS\n$/);
  };
  const lookalikes = [
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'evil-lan.example',
    'xnoaa.example.org',
  ];
  for (const host of ['evil.example', 'evil.example:8050', 'lan.example', '0x7f.1', ...lookalikes]) {
    test(`${host} gets 421 and the remedy`, () => refused(host, '/status'));
  }
  for (const path of [
    '/',
    '/stream',
    '/stream.mjpg',
    '/snapshot.jpg',
    '/loop',
    '/metrics',
    '/livez',
    '/nothing',
  ]) {
    test(`another site's name gets nothing of ${path}`, () => refused('evil.example', path));
  }

  for (const host of [
    '',
    'a b',
    'localhost,evil.example',
    'localhost/',
    'user@localhost',
    'localhost:x',
    '[::1',
  ]) {
    test(`"${host}" is no host and gets 400`, async () => {
      assert.equal(statusOf(await Client.ask(request(host))), 400);
    });
  }

  for (const second of ['localhost', 'evil.example']) {
    test(`localhost and ${second}, one after the other, get 400`, async () => {
      const said = await Client.ask(request('localhost', '/status', `Host: ${second}\r\n`));
      assert.equal(statusOf(said), 400);
      assert.match(said, /2 Host headers/);
    });
  }

  test('a host in the request line counts as well', async () => {
    assert.equal(statusOf(await Client.ask(request('localhost', 'http://evil.example/livez'))), 421);
    assert.equal(statusOf(await Client.ask(request('localhost', 'http://localhost/livez'))), 200);
  });

  test('a client of HTTP/1.0 need not name one', async () => {
    assert.equal(statusOf(await Client.ask('GET /livez HTTP/1.0\r\n\r\n')), 200);
  });

  for (const service of ['playbackTelemetry', 'redactorTelemetry'] as const) {
    test(`${service} answers no other name either`, async () => {
      assert.equal(statusOf(await Client.ask(request('evil.example', '/metrics'), chain[service])), 421);
      const two = request('localhost', '/metrics', 'Host: localhost\r\n');
      assert.equal(statusOf(await Client.ask(two, chain[service])), 400);
      assert.equal(statusOf(await Client.ask(request('localhost', '/livez'), chain[service])), 200);
    });
  }
});

const SECURITY = [
  'content-security-policy',
  'x-content-type-options',
  'referrer-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
];
// Malformed escapes and paths out of the folder are what koa-send refuses by itself.
for (const path of [
  '/',
  '/%ff',
  '/%00',
  '/..%2f..%2fmain.ts',
  '/a%5c..',
  '/nothing',
  '/stream?fps=x',
  '/%',
]) {
  test(`the answer to ${path} has every security header`, async () => {
    const said = await Client.ask(request('localhost', path));
    assert.ok([200, 400, 403, 404].includes(statusOf(said)), said.slice(0, 100));
    for (const name of SECURITY) assert.match(said, new RegExp(`^${name}: \\S`, 'im'), said.slice(0, 600));
    assert.doesNotMatch(said, / {4}at /);
  });
}

describe('what Node would answer by itself, without a header', () => {
  const closing = 'Host: localhost\r\nConnection: close\r\n';
  for (const [what, status, text] of [
    ['what is no request', 400, 'what is this?\r\n\r\n'],
    ['no Host', 400, 'GET /livez HTTP/1.1\r\n\r\n'],
    ['two lengths', 400, `GET /livez HTTP/1.1\r\n${closing}Content-Length: 0\r\nContent-Length: 1\r\n\r\n`],
    ['headers that are too long', 431, `GET /livez HTTP/1.1\r\n${closing}X: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['a request for a tunnel', 405, `CONNECT localhost:1 HTTP/1.1\r\n${closing}\r\n`],
    ['an expectation', 417, `GET /livez HTTP/1.1\r\n${closing}Expect: much\r\n\r\n`],
    [
      'a body that waits to be asked for',
      413,
      request('localhost', '/livez', 'Expect: 100-continue\r\nContent-Length: 9\r\n'),
    ],
  ] as const) {
    for (const service of ['web', 'redactorTelemetry'] as const) {
      test(`${what}: ${service} answers ${status} once, with a sentence and every security header`, async () => {
        const said = await Client.ask(text, chain[service]);
        assert.equal(statusOf(said), status);
        assert.equal(said.split('HTTP/1.1 ').length, 2, said);
        for (const name of SECURITY) assert.match(said, new RegExp(`^${name}: \\S`, 'im'), said);
      });
    }
  }

  for (const path of ['/livez', '/readyz', '/metrics', '/nothing']) {
    test(`the answer of a service without viewers to ${path} has every security header`, async () => {
      const said = await Client.ask(request('localhost', path), chain.redactorTelemetry);
      for (const name of SECURITY) assert.match(said, new RegExp(`^${name}: \\S`, 'im'), said.slice(0, 600));
    });
  }
});

describe('what follows a request for a stream', () => {
  for (const [what, more] of Object.entries({
    'a body that is announced and never sent': 'Content-Length: 10\r\n',
    'a body in chunks': 'Transfer-Encoding: chunked\r\n',
  })) {
    test(`${what} is refused at once`, async () => {
      const said = await Client.ask(`GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`);
      assert.equal(statusOf(said), 413);
      assert.match(said, /without a body\n$/);
    });
  }

  test('no body is one of no length', async () => {
    assert.equal(statusOf(await Client.ask(request('localhost', '/livez', 'Content-Length: 0\r\n'))), 200);
  });

  test('nothing of it, nor an answer to it, gets into the stream', async () => {
    const client = await Client.connect();
    client.socket.write('GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => client.said.includes('event: frame'), 'a frame');
    client.socket.write('what is this?\r\n\r\n');
    await once(client.socket, 'close', { signal: AbortSignal.timeout(10_000) });
    assert.equal(client.said.split('HTTP/1.1 ').length - 1, 1);
  });
});

for (const path of ['/stream', '/stream.mjpg']) {
  test(`HEAD of ${path} has the headers of GET, takes no place and ends`, async () => {
    const ours = /^(content-type|cache-control|x-accel-buffering): .*$/gim;
    await until(async () => (await watching()) === 0, 'nobody to watch');
    const head = await Client.ask(request('localhost', path).replace('GET', 'HEAD'));
    assert.equal(statusOf(head), 200);
    assert.equal(await watching(), 0);
    const viewer = await Client.connect();
    viewer.socket.write(request('localhost', path));
    await until(() => viewer.said.includes('\r\n\r\n'), 'the headers');
    viewer.socket.destroy();
    const [headers = ''] = viewer.said.split('\r\n\r\n');
    assert.equal(head.match(ours)?.length, 3);
    assert.deepEqual(head.match(ours)?.sort(), headers.match(ours)?.sort());
  });
}

for (const path of ['/stream', '/stream.mjpg', '/snapshot.jpg']) {
  test(`a client that has said all it will, and closes its half, still gets ${path}`, async () => {
    const client = await Client.connect(chain.web, true);
    client.socket.end(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const wanted = path === '/snapshot.jpg' ? 1000 : 300_000;
    await until(() => client.said.length > wanted, 'a second of frames');
    client.socket.destroy();
    await until(async () => (await watching()) === 0, 'its place to be free', 5000);
  });
}

test('a client that leaves in the middle of an answer is no line in the log, least of all a stack', async () => {
  const lines = () =>
    chain.services.visualizer.log.filter(({ level }) => level === 'raw' || level === 'error');
  for (let times = 0; times < 30; times += 1) {
    const client = await Client.connect();
    client.socket.write(request('localhost', '/script/main.js', 'Accept-Encoding: gzip\r\n'));
    client.socket.write(request('localhost', '/snapshot.jpg'));
    await new Promise(resolve => setImmediate(resolve));
    client.socket.resetAndDestroy();
  }
  await fetch(`${chain.web}/status`);
  assert.deepEqual(lines(), []);
});

test('thousands of short streams leave no memory behind', async () => {
  const { pid } = chain.services.visualizer.process;
  const residentMb = () =>
    Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
  const visit = async (path: string) => {
    const client = await Client.connect();
    client.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await once(client.socket, 'data');
    client.socket.destroy();
  };
  const inTurns = async (count: number) => {
    for (let i = 0; i < count; i += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, k) => visit(k % 2 ? '/stream' : '/stream.mjpg')));
    }
  };
  // What every buffer, cache and pool takes once.
  await inTurns(500);
  await until(() => watching().then(count => count === 0), 'nobody to watch');
  const before = residentMb();
  await inTurns(4000);
  // Every 15 s the heap is collected and malloc's free memory goes back to the kernel.
  let least = Number.POSITIVE_INFINITY;
  await until(
    () => {
      least = Math.min(least, residentMb());
      return least < before + 15;
    },
    'the memory to be given back',
    60_000,
    500,
  ).catch(() => assert.fail(`${before.toFixed()} MB before, and never less than ${least.toFixed()} after`));
});
