import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { until } from '../../tests/support/until.ts';
import { createBoundedServer, type Limits, lasts, listen } from './http.ts';

const loopbacks = Object.values(networkInterfaces())
  .flatMap(own => own ?? [])
  .filter(({ internal, address }) => internal && ['127.0.0.1', '::1'].includes(address));

for (const { host, reached } of [
  { host: '*', reached: loopbacks.map(({ address }) => address) },
  { host: '127.0.0.1', reached: ['127.0.0.1'] },
]) {
  test(`a server on ${host} is reached on ${reached.join(' and ')} and nowhere else, until it is aborted`, async () => {
    const ended = new AbortController();
    const server = createServer();
    const { port } = await listen(server, { host, port: 0, variable: 'METRICS_PORT' }, ended.signal);
    for (const { address } of loopbacks) {
      const socket = connect(port, address);
      const outcome = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      assert.equal(outcome, reached.includes(address), address);
      socket.destroy();
    }
    ended.abort();
    await once(server, 'close');
  });
}

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** A server within limits, the requests it has been given, and clients of it. */
async function bounded(limits: Limits, handle: RequestListener = (_, response) => response.end('here')) {
  const ended = new AbortController();
  const given: string[] = [];
  const server = createBoundedServer((request, response) => {
    given.push(request.url!);
    handle(request, response);
  }, limits);
  const { port } = await listen(
    server,
    { host: '127.0.0.1', port: 0, variable: 'METRICS_PORT' },
    ended.signal,
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    given,
    /** Answers with what the server says, over one connection that is kept. */
    async ask(path = '/') {
      const [response] = (await once(get({ port, path, agent }), 'response')) as [IncomingMessage];
      return { said: await text(response), socket: response.socket };
    },
    async connected(): Promise<Socket> {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      return socket;
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      ended.abort();
      await once(server, 'close');
    },
  };
}

const closed = async (socket: Socket, withinMs: number) =>
  socket.closed || (await once(socket, 'close', { signal: AbortSignal.timeout(withinMs) }));

for (const [what, more] of Object.entries({ requests: '', 'requests that expect': 'Expect: much\r\n' })) {
  test(`of ${what}, sent at once, none is begun before its turn, and the connection ends`, async () => {
    await using server = await bounded({ connections: 8 }, (_, response) => {
      setTimeout(() => response.end('here'), 100);
    });
    const socket = await server.connected();
    let said = '';
    socket.on('data', bytes => {
      said += bytes;
    });
    socket.write(GET + GET.replace('\r\n\r\n', `\r\n${more}\r\n`).repeat(1000));
    await closed(socket, 5000);
    assert.equal(server.given.length, 1);
    assert.ok(said.split('HTTP/1.1 ').length - 1 <= 1, said);
  });
}

test('a request that comes after all bytes of an answer, and before its end, is answered', async () => {
  await using server = await bounded({ connections: 8 }, (_, response) => {
    response.writeHead(200, { 'Content-Length': 4 }).write('here');
    setTimeout(() => response.end(), 50);
  });
  const socket = await server.connected();
  let said = '';
  socket.on('data', bytes => {
    said += bytes;
    if (said.endsWith('here') && server.given.length < 5) socket.write(GET);
  });
  socket.write(GET);
  await until(() => said.split('here').length === 6, 'five answers', 3000);
  socket.destroy();
});

test('requests in turn share a connection', async () => {
  await using server = await bounded({ connections: 8 });
  const sockets = new Set<Socket>();
  for (let turn = 0; turn < 20; turn += 1) {
    const { said, socket } = await server.ask(`/${turn}`);
    assert.equal(said, 'here');
    sockets.add(socket);
  }
  assert.equal(sockets.size, 1);
  assert.equal(server.given.length, 20);
});

test('connections that ask for nothing keep nobody out: the oldest of them makes room', async () => {
  await using server = await bounded({ connections: 3 });
  const silent = [await server.connected(), await server.connected(), await server.connected()];
  assert.equal((await server.ask()).said, 'here');
  await closed(silent[0]!, 5000);
  assert.deepEqual(
    silent.map(socket => socket.closed),
    [true, false, false],
  );
  for (const socket of silent) socket.destroy();
});

test('a client that watches a stream is not disconnected for later ones, nor because it takes long', async () => {
  await using server = await bounded({ connections: 2, answerMs: 100 }, (_, response) => {
    lasts(response);
    response.write('here');
  });
  const watching = [await server.connected(), await server.connected()];
  for (const socket of watching) {
    socket.write(GET);
    await once(socket, 'data');
  }
  await closed((await server.connected()).resume(), 5000);
  await new Promise(resolve => setTimeout(resolve, 200));
  assert.deepEqual(
    watching.map(socket => socket.closed),
    [false, false],
  );
  for (const socket of watching) socket.destroy();
});

test('a connection without a request, one with half of it and an answer that nobody takes are let go', async () => {
  const large = Buffer.alloc(64 * 2 ** 20);
  await using server = await bounded(
    { connections: 8, requestMs: 200, untakenMs: 400 },
    (_, response) => void response.end(large),
  );
  const [silent, half, untaking] = [
    await server.connected(),
    await server.connected(),
    await server.connected(),
  ];
  half.write(GET.slice(0, 20));
  untaking.pause().write(GET);
  let late = '';
  half.on('data', bytes => {
    late += bytes;
  });
  await Promise.all([closed(silent.resume(), 5000), closed(half, 5000)]);
  assert.match(late, /^HTTP\/1\.1 408 .*\r\nX-Content-Type-Options: nosniff\r\n.*in time; send it whole/s);
  // It does not read, so it learns of the end only when it does.
  await new Promise(resolve => setTimeout(resolve, 1500));
  let taken = 0;
  untaking.on('data', bytes => {
    taken += bytes.length;
  });
  untaking.resume();
  await closed(untaking, 5000);
  assert.ok(taken < large.length, `${taken} bytes`);
});

test('clients that read their answers slowly keep nobody out: the one that is at it for longest makes room', async () => {
  const large = Buffer.alloc(64 * 2 ** 20);
  const ended: string[] = [];
  await using server = await bounded({ connections: 3 }, ({ url }, response) => {
    response.once('close', () => ended.push(url!)).end(url === '/' ? 'here' : large);
  });
  const slow: Socket[] = [];
  for (const path of ['/first', '/second', '/third']) {
    const socket = await server.connected();
    socket.pause().write(GET.replace('/', path));
    await once(socket, 'readable');
    slow.push(socket);
  }
  assert.equal((await server.ask()).said, 'here');
  assert.deepEqual(ended, ['/first', '/']);
  for (const socket of slow) socket.destroy();
});
