import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { startProcess } from '../../tests/support/services.ts';
import { until } from '../../tests/support/until.ts';
import type { Who } from './access/who.ts';
import { Broadcast, type Visit } from './broadcast.ts';
import { Picture } from './picture.ts';

const picture = (seq: number, bytes = 1000, card = false) =>
  new Picture(
    Buffer.alloc(bytes, seq),
    { seq, width: 8, height: 8, publishedAt: 0, position: 0, latencyMs: 0, validAt: null, mask: null },
    card,
  );

/** A real server that adds every visitor to a broadcast. */
async function serve(releaseMs = 60_000, heldBytes = Number.POSITIVE_INFINITY) {
  const counts = { skipped: 0, released: 0, caughtUp: 0 };
  const broadcast = new Broadcast({ max: 10, perAddress: 10, perUser: 10, heldBytes }, releaseMs, {
    joined() {},
    left() {},
    skipped: () => (counts.skipped += 1),
    released: () => (counts.released += 1),
    caughtUp: () => (counts.caughtUp += 1),
    wrote() {},
  });
  const responses: ServerResponse[] = [];
  /** Those that are not let in yet. */
  const atTheDoor: Visit[] = [];
  const server = createServer((request, response) => {
    responses.push(response);
    const maxFps = Number(/fps=(.*)/.exec(request.url ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
    const kind = request.url?.startsWith('/mjpeg') ? 'mjpeg' : 'sse';
    const who: Who = { address: '127.0.0.1', by: 'nobody asks', isValid: () => true };
    const visit: Visit = { kind, request, response, maxFps, who };
    if (request.url?.endsWith('/later')) atTheDoor.push(visit);
    else broadcast.join(visit);
  }).listen(0, '127.0.0.1');
  // As the visualizer's has it.
  Object.assign(server, { httpAllowHalfOpen: true });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const visit = async (path: string) => {
    const [response] = (await once(get({ port, path, agent: false }), 'response')) as [IncomingMessage];
    response.on('error', () => {});
    return response;
  };
  const close = async () => {
    broadcast[Symbol.dispose]();
    server.closeAllConnections();
    await once(server.close(), 'close');
  };
  return { broadcast, counts, responses, atTheDoor, visit, port, [Symbol.asyncDispose]: close };
}

const TRICKLE = `
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.sendall(b'GET /mjpeg HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
while s.recv(50):
    time.sleep(0.1)
`;

const turn = () => new Promise(resolve => setImmediate(resolve));

test('a viewer that has stopped reading is skipped and never waited for, and keeps only the newest picture', async () => {
  await using service = await serve();
  const { broadcast, counts } = service;
  const stalled = await service.visit('/mjpeg');
  stalled.pause();
  let seq = 0;
  while (counts.skipped < 20) {
    seq += 1;
    broadcast.show(picture(seq, 1_000_000));
    await turn();
    assert.ok(seq < 1000, 'a stalled viewer takes everything');
  }
  // A header may stand across two chunks, so the end of one is read again with the next.
  let end = '';
  let last = 0;
  stalled.setEncoding('latin1').on('data', (chunk: string) => {
    for (const [, number] of (end + chunk).matchAll(/X-Sequence: (\d+)\r/g)) last = Number(number);
    end = chunk.slice(-40);
  });
  stalled.resume();
  await until(() => last === seq, 'the newest picture');
});

test('a viewer that takes nothing for the time set is let go and counted; one that reads stays', async () => {
  await using service = await serve(300);
  const { broadcast, counts } = service;
  const stalled = await service.visit('/mjpeg');
  stalled.pause();
  (await service.visit('/stream')).resume();
  const gone = new Promise(resolve => stalled.once('close', resolve));
  await until(() => {
    broadcast.show(picture(1, 1_000_000));
    return counts.released > 0;
  }, 'the stalled viewer to be let go');
  stalled.resume();
  await gone;
  await until(() => broadcast.count('mjpeg') === 0, 'its place to be free');
  assert.equal(counts.released, 1);
  assert.equal(broadcast.count('sse'), 1);
});

test('of viewers that hold too many pictures between them, those that are behind for longest are let go', async () => {
  const bytes = 16_000_000;
  await using service = await serve(60_000, 2.5 * bytes);
  const { broadcast, counts } = service;
  (await service.visit('/mjpeg')).resume();
  const stalled: IncomingMessage[] = [];
  for (let seq = 1; seq <= 5; seq += 1) {
    stalled.push((await service.visit('/mjpeg')).pause());
    broadcast.show(picture(seq, bytes));
    await until(
      () => broadcast.states().behind === Math.min(seq, 2),
      'the one that reads to have the picture',
    );
  }
  assert.equal(counts.released, 3);
  await until(() => broadcast.count() === 3, 'their places to be free');
  // One picture may wait for all, however large it is.
  broadcast.show(picture(6, 3 * bytes));
  await until(() => broadcast.states().behind === 0, 'what is old to be let go');
  assert.equal(broadcast.count(), 1);
});

test('newcomers who take the places of half-closed viewers at the same moment are not too many', async () => {
  await using service = await serve();
  const { broadcast, port, atTheDoor } = service;
  const ask = async (path: string) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    await once(socket.resume(), 'connect');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    return socket;
  };
  const before = await Promise.all(Array.from({ length: broadcast.max }, () => ask('/mjpeg')));
  for (const socket of before) socket.end();
  await until(() => broadcast.states().halfClosed === broadcast.max, 'them to be half-closed');
  const after = await Promise.all(Array.from({ length: 5 }, () => ask('/mjpeg/later')));
  await until(() => atTheDoor.length === after.length, 'the others');
  for (const visit of atTheDoor) broadcast.join(visit);
  await until(() => broadcast.states().halfClosed === broadcast.max - after.length, 'the places');
  assert.equal(broadcast.count(), broadcast.max);
  for (const socket of [...before, ...after]) socket.destroy();
});

test('a viewer that takes a picture slowly, but steadily, is not let go', async () => {
  const releaseMs = 400;
  await using service = await serve(releaseMs);
  const { broadcast, counts } = service;
  const slow = await service.visit('/mjpeg');
  let taken = 0;
  slow.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    slow.pause();
    setTimeout(() => slow.resume(), 5);
  });
  const startMs = performance.now();
  const bytes = 24_000_000;
  broadcast.show(picture(1, bytes));
  await until(() => taken > bytes || counts.released > 0, 'the whole picture');
  assert.equal(counts.released, 0);
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs > 3 * releaseMs, `it took only ${tookMs} ms, so this test shows nothing`);
});

test('a viewer that takes nothing is let go even while the kernel still has room for what it is sent', async () => {
  const releaseMs = 300;
  await using service = await serve(releaseMs);
  const { broadcast, counts, responses } = service;
  (await service.visit('/mjpeg')).pause();
  (await service.visit('/stream')).resume();
  for (let seq = 1; seq <= 10; seq += 1) {
    broadcast.show(picture(seq, 100_000));
    await until(() => broadcast.wanted(), 'the kernel to take it');
  }
  await until(() => {
    assert.ok(!responses[0]!.writableNeedDrain, 'it waits in our own memory, so this test shows nothing');
    broadcast.release();
    return counts.released > 0;
  }, 'the stalled viewer to be let go');
  await until(() => broadcast.count('mjpeg') === 0, 'its place to be free');
  assert.deepEqual([counts.released, broadcast.count('sse')], [1, 1]);
});

test('a viewer that takes a little now and then is let go', async () => {
  await using service = await serve(3000);
  const { broadcast, counts } = service;
  // 500 bytes a second through the smallest window there is: something moves every two seconds.
  await using _ = startProcess('slow', '/usr/bin/python3', ['-c', TRICKLE, String(service.port)]);
  await until(() => broadcast.count('mjpeg') === 1, 'the viewer');
  const startMs = performance.now();
  await until(() => {
    broadcast.show(picture(1, 1_000_000));
    broadcast.release();
    return counts.released > 0;
  }, 'it to be let go');
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs > 2900 && tookMs < 4500, `${tookMs} ms`);
});

test('the status does not pile up for a viewer that takes nothing while there are no pictures', async () => {
  await using service = await serve(100);
  const { broadcast, counts } = service;
  (await service.visit('/stream')).pause();
  const status = { message: 'x'.repeat(100_000) };
  let waiting = 0;
  await until(() => {
    broadcast.send('status', status);
    waiting = Math.max(waiting, service.responses[0]!.writableLength);
    return counts.released > 0;
  }, 'the stalled viewer to be let go');
  assert.ok(waiting < 200_000, `${waiting} bytes waited for it`);
});

test('of frames that nobody could take each is counted as missed, and the newest is asked for once somebody can', async () => {
  await using service = await serve();
  const { broadcast, counts } = service;
  const viewer = await service.visit('/mjpeg');
  viewer.pause();
  while (broadcast.wanted()) {
    broadcast.show(picture(1, 1_000_000));
    await turn();
  }
  for (let frame = 0; frame < 10; frame += 1) broadcast.pass();
  assert.deepEqual([counts.skipped, counts.caughtUp], [9, 0]);
  viewer.resume();
  await until(() => counts.caughtUp === 1, 'the newest frame to be asked for');
  assert.equal(broadcast.wanted(), true);
});

test('whatever rate a viewer asked for, it is shown at once that the picture is not live, and that it is again', async () => {
  await using service = await serve();
  const { broadcast } = service;
  const seen: number[] = [];
  const viewer = await service.visit('/mjpeg?fps=0.01');
  viewer.setEncoding('latin1').on('data', (chunk: string) => {
    for (const [, number] of chunk.matchAll(/X-Sequence: (\d+)\r/g)) seen.push(Number(number));
  });
  for (const [seq, card] of [
    [1, false],
    [2, false],
    [3, true],
    [4, true],
    [5, false],
    [6, false],
  ] as const) {
    if (!card) assert.equal(broadcast.wanted(), seq % 2 === 1, `frame ${seq}`);
    broadcast.show(picture(seq, 1000, card), 'mjpeg');
  }
  await until(() => seen.length >= 3, 'three pictures');
  assert.deepEqual(seen, [1, 3, 5]);
});

test('no picture is wanted while nobody watches, or while all who watch are behind', async () => {
  await using service = await serve();
  const { broadcast } = service;
  assert.equal(broadcast.wanted(), false);
  const viewer = await service.visit('/mjpeg');
  viewer.pause();
  assert.equal(broadcast.wanted(), true);
  for (let seq = 0; broadcast.wanted(); seq += 1) {
    broadcast.show(picture(seq, 1_000_000));
    await turn();
    if (seq > 1000) assert.fail('it is never behind');
  }
});

test('the bytes of a picture are made once and shared by all viewers of a kind', () => {
  const shown = picture(1);
  assert.equal(shown.sse, shown.sse);
  assert.equal(shown.part, shown.part);
  const event = shown.sse.toString();
  assert.match(event, /^event: frame\ndata: \{.*\}\n\n$/s);
  const data = JSON.parse(event.slice(event.indexOf('{')));
  assert.deepEqual(Buffer.from(data.jpeg, 'base64'), shown.jpeg);
});

test('an MJPEG viewer of a held picture gets it again within 5 seconds, and an SSE viewer does not', async () => {
  await using service = await serve();
  const { broadcast } = service;
  const received = { mjpeg: 0, sse: 0 };
  for (const [kind, path] of [
    ['mjpeg', '/mjpeg'],
    ['sse', '/stream'],
  ] as const) {
    (await service.visit(path)).on('data', (chunk: Buffer) => (received[kind] += chunk.length));
  }
  const held = picture(1, 100_000);
  broadcast.show(held);
  await until(() => received.mjpeg > 100_000 && received.sse > 100_000, 'the picture');
  const beganMs = performance.now();
  const sse = received.sse;
  broadcast.keepAlive(held, beganMs + 3000);
  broadcast.keepAlive(held, beganMs + 5000);
  await until(() => received.mjpeg > 200_000, 'the picture again');
  assert.ok(received.mjpeg < 300_000, 'not before 4 seconds');
  assert.equal(received.sse, sse);
});

test('over HTTP/2, too, a stream that is not read is skipped, keeps little, and is let go; its neighbour is not', async () => {
  await using service = await serve(300);
  const { broadcast, counts } = service;
  const responses: ServerResponse[] = [];
  const server = createHttp2Server((request, response) => {
    responses.push(response as unknown as ServerResponse);
    broadcast.join({
      kind: 'mjpeg',
      request: request as unknown as IncomingMessage,
      response: response as unknown as ServerResponse,
      maxFps: Number.POSITIVE_INFINITY,
      who: { address: '127.0.0.1', by: 'nobody asks', isValid: () => true },
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stalled = client.request({ ':path': '/stalled' });
  const read = client.request({ ':path': '/read' });
  stalled.on('error', () => {}).pause();
  read.on('error', () => {}).resume();
  await until(() => broadcast.count() === 2, 'both');
  let most = 0;
  await until(() => {
    broadcast.show(picture(1, 500_000));
    broadcast.release();
    const { stream } = responses[0] as unknown as { stream: { writableLength: number } };
    most = Math.max(most, stream.writableLength);
    return broadcast.count() === 1 || most > 5_000_000;
  }, 'the stalled stream to be let go');
  assert.ok(counts.skipped > 0);
  assert.ok(most < 1_000_000, `${most} bytes wait`);
  assert.equal(read.closed, false);
  client.destroy();
  server.close();
});
