import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { createGzip } from 'node:zlib';
import { Link } from '../../common/link.ts';
import { Chain } from './chain.ts';
import { Origin } from './origin.ts';

const OF_A_VISUALIZER = {
  'Content-Type': 'multipart/x-mixed-replace;boundary=b',
  'X-Relay': '0123456789abcdef',
};
const part = (body: string): string =>
  `--b\r\nContent-Type: image/jpeg\r\nContent-Length: ${body.length}\r\n\r\n${body}\r\n`;
const LONG = 'x'.repeat(300_000);
const HALF = part(LONG).slice(0, 200_000);

const opens = (response: ServerResponse) => response.writeHead(200, OF_A_VISUALIZER);

/**
 * Watches an origin that gives these answers, one a connection, until a part has this body or there is a fault of which it
 * must not be the last. Returns what came of it.
 */
async function watch(answers: RequestListener[], last: string, scheme = 'http') {
  const left = [...answers];
  const server = createServer((request, response) => left.shift()?.(request, response)).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const ended = AbortSignal.timeout(15_000);
  const done = new AbortController();
  const faults: string[] = [];
  const bodies: string[] = [];
  let connections = 0;
  const beganMs = performance.now();
  const link = new Link({
    reconnected() {},
    flapping() {},
    unreachable(fault) {
      faults.push(fault);
      if (fault === last) done.abort();
    },
  });
  const origin = new Origin(
    {
      url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/stream.mjpg`,
      chain: new Chain(),
      credentials: async () => ({ authorization: undefined, ca: undefined }),
      longestBytes: 2 ** 20,
    },
    link,
  );
  const events = {
    opened() {
      connections += 1;
    },
    part({ body }: { body: Buffer }) {
      bodies.push(body.toString());
      if (bodies.at(-1) === last) done.abort();
    },
    ring() {
      faults.push('ring');
      if (last === 'ring') done.abort();
    },
  };
  await origin.watch(events, AbortSignal.any([done.signal, ended]));
  server.close();
  server.closeAllConnections();
  assert.ok(!ended.aborted, `neither part nor fault: ${JSON.stringify(faults)}`);
  return { faults, bodies, connections, ms: performance.now() - beganMs };
}

describe('an origin', { concurrency: true }, () => {
  for (const [how, cut] of [
    ['and is gone', (response: ServerResponse) => response.destroy()],
    ['and ends the answer', (response: ServerResponse) => response.end()],
  ] as const)
    test(`that sends half a picture ${how}: no half is ever taken, and the next connection is read from its start`, async () => {
      const { bodies, connections } = await watch(
        [
          (_, response) => {
            opens(response).write(part('one'));
            response.write(HALF, () => cut(response));
          },
          (_, response) => opens(response).write(part('two')),
        ],
        'two',
      );
      assert.deepEqual([bodies, connections], [['one', 'two'], 2]);
    });

  test('that stalls in the middle of a picture is left within 4 s', async () => {
    const { faults, bodies, ms } = await watch(
      [
        (_, response) => opens(response).write(part('one') + HALF),
        (_, response) => opens(response).write(part('two')),
      ],
      'two',
    );
    assert.deepEqual(bodies, ['one', 'two']);
    assert.deepEqual(faults, ['it does not answer, or has fallen silent']);
    assert.ok(ms < 4500, `${Math.round(ms)} ms`);
  });

  test('that sends a picture piece by piece for longer is not', async () => {
    const { bodies, connections } = await watch(
      [
        (_, response) => {
          const whole = part(LONG);
          let sent = 0;
          opens(response);
          const timer = setInterval(() => {
            response.write(whole.slice(sent, sent + 40_000));
            sent += 40_000;
            if (sent >= whole.length) clearInterval(timer);
          }, 500);
        },
      ],
      LONG,
    );
    assert.deepEqual([bodies, connections], [[LONG], 1]);
  });

  test('that is restarted as another process is read on, with the ids of the new one', async () => {
    const ids = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'];
    const { bodies } = await watch(
      ids.map(id => (_, response) => {
        response.writeHead(200, { ...OF_A_VISUALIZER, 'X-Relay': id }).end(part(id));
      }),
      ids[1]!,
    );
    assert.deepEqual(bodies, ids);
  });

  const gzipped: RequestListener = (_, response) => {
    response.writeHead(200, { ...OF_A_VISUALIZER, 'Content-Encoding': 'gzip' });
    const zip = createGzip();
    zip.pipe(response);
    zip.end(part('one'));
  };
  const answers =
    (status: number, headers: Record<string, string> = {}): RequestListener =>
    (_, response) =>
      void response.writeHead(status, headers).end(part('one'));
  const refusals: [what: string, answer: RequestListener, sentence: string][] = [
    ['compresses the stream', gzipped, 'a proxy compresses the stream; have it pass the stream on as it is'],
    [
      'wants another credential',
      answers(401),
      'it asks for a credential, or refuses the one in SOURCE_CREDENTIAL_FILE',
    ],
    [
      'lets this credential watch nothing',
      answers(403),
      'it refuses the credential in SOURCE_CREDENTIAL_FILE',
    ],
    [
      'does not know the name',
      answers(421),
      'it does not know itself by that name; add the name to its ALLOWED_HOSTS',
    ],
    ['is full', answers(503, { 'Retry-After': '5' }), 'all its places are taken, or it is about to end'],
    ['has failed', answers(500), 'it answers 500'],
    [
      'has another site at that address',
      answers(302, { Location: 'http://127.0.0.1:1/stream.mjpg', ...OF_A_VISUALIZER }),
      'it redirects elsewhere, which is not followed; correct SOURCE_URL',
    ],
    [
      'is no visualizer, or one behind a proxy that takes headers away',
      answers(200, { 'Content-Type': OF_A_VISUALIZER['Content-Type'] }),
      'it is no visualizer that can be relayed, or a proxy removes the header X-Relay',
    ],
    [
      'sends pages',
      answers(200, { ...OF_A_VISUALIZER, 'Content-Type': 'text/html' }),
      'it is no visualizer that can be relayed, or a proxy removes the header X-Relay',
    ],
    ['watches us', answers(508), 'ring'],
    [
      'speaks another protocol',
      ({ socket }) => void socket.end('SSH-2.0-OpenSSH_10.0\r\n'),
      'a server that does not speak HTTP is there; correct SOURCE_URL',
    ],
    [
      'has headers without end',
      answers(200, { ...OF_A_VISUALIZER, X: 'x'.repeat(20_000) }),
      'the headers of its answer are longer than 16 kB, as no visualizer sends them',
    ],
  ];
  for (const [what, answer, sentence] of refusals)
    test(`that ${what}: nothing of it is taken, and one sentence says why`, async () => {
      const { faults, bodies, connections } = await watch([answer, answer], sentence);
      assert.deepEqual([faults, bodies, connections], [[sentence], [], 0]);
    });

  test('that does not speak TLS, asked with https, is named in one sentence', async () => {
    const sentence =
      'a server that does not speak TLS is there; correct SOURCE_URL, e.g. http:// instead of https://';
    assert.deepEqual((await watch([], sentence, 'https')).faults, [sentence]);
  });
});
