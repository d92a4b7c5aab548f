import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Publisher, Push, Reply, Subscriber } from 'zeromq';
import { freePort } from '../../tests/support/ports.ts';
import { until } from '../../tests/support/until.ts';
import { connectRaw, flood, handshake, longHeader, shortPart } from '../../tests/support/zmtp.ts';
import { type FrameSink, type FrameSource, publish, subscribe } from './bus.ts';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { oversizeMessage } from './oversize-message.ts';

/** Sends a frame again and again until the source hears one; `ended` is aborted where it never does. */
async function hears(source: FrameSource, sink: FrameSink, ended: AbortController): Promise<boolean> {
  const sending = setInterval(() => void sink.send(Buffer.from('a frame')), 50);
  const tooLate = setTimeout(() => ended.abort(), 8000);
  try {
    for await (const parts of source) if (parts.map(String).join() === 'a frame') return true;
    return false;
  } finally {
    clearInterval(sending);
    clearTimeout(tooLate);
  }
}

/** Subscribes to a port that `first` has, lets a publisher take it over, and waits for a frame of its. */
async function heardAfter(first: (port: number) => Promise<() => Promise<void> | void>): Promise<boolean> {
  const port = await freePort();
  const endpoint = { host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' };
  const ended = new AbortController();
  try {
    const leave = await first(port);
    const source = subscribe(endpoint, ended.signal);
    await new Promise(resolve => setTimeout(resolve, 300));
    await leave();
    // A socket that has closed releases its port a little later.
    const sink = await until(() => publish(endpoint, ended.signal).catch(() => undefined), 'the port');
    return await hears(source, sink, ended);
  } finally {
    ended.abort();
  }
}

/** A server that is no ZeroMQ: it says `greeting` to every client. */
async function stranger(
  port: number,
  greeting: Buffer | string,
  answer: (socket: Socket, said: Buffer) => void = () => {},
) {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}).on('data', said => answer(socket, said)));
    socket.write(greeting);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  assert.equal((server.address() as AddressInfo).port, port);
  return async () => {
    for (const socket of sockets) socket.destroy();
    await once(server.close(), 'close');
  };
}

/** A publisher that follows the protocol, up to a message that is longer than any frame. */
async function boaster(port: number) {
  return stranger(port, handshake('PUB'), (socket, said) => {
    if (said.includes('READY')) socket.write(longHeader(MAX_MESSAGE_BYTES + 1));
  });
}

const other = async (socket: Push | Reply, port: number) => {
  await socket.bind(`tcp://127.0.0.1:${port}`);
  return async () => {
    await socket.unbind(`tcp://127.0.0.1:${port}`);
    socket.close();
  };
};

for (const [who, first] of Object.entries({
  nobody: async () => () => {},
  'a socket that pushes': (port: number) => other(new Push({ linger: 0 }), port),
  'a socket that replies': (port: number) => other(new Reply({ linger: 0 }), port),
  'a server of HTTP/2': (port: number) => stranger(port, Buffer.of(0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0)),
  'a publisher of a message that is too long': boaster,
  'a server of another protocol': (port: number) => stranger(port, 'SSH-2.0-OpenSSH_10.0\r\n'),
  'a server of another protocol that says much': (port: number) =>
    stranger(port, 'SSH-2.0-OpenSSH_10.0\r\n'.repeat(50)),
  'a server that says nothing': (port: number) => stranger(port, ''),
})) {
  test(`a publisher is heard on a port that ${who} had before`, async () => {
    assert.ok(await heardAfter(first), 'nothing was heard within 8 s');
  });
}

test('a server that takes the connection and says nothing is left alone for a second before it is tried again', async () => {
  const port = await freePort();
  const ended = new AbortController();
  const server = createServer(socket => socket.on('error', () => {})).listen(port, '127.0.0.1');
  await once(server, 'listening');
  subscribe({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' }, ended.signal);
  try {
    await once(server, 'connection');
    const beganMs = performance.now();
    await once(server, 'connection', { signal: AbortSignal.timeout(8000) });
    assert.ok(performance.now() - beganMs > 1000);
  } finally {
    ended.abort();
    server.close();
  }
});

/** A publisher that is not ours, which neither conflates nor keeps to one part, and a source that is subscribed to it. */
async function foreignPair() {
  const port = await freePort();
  const ended = new AbortController();
  const publisher = new Publisher({ linger: 0 });
  await publisher.bind(`tcp://127.0.0.1:${port}`);
  const source = subscribe({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' }, ended.signal);
  return {
    publisher,
    source,
    async [Symbol.asyncDispose]() {
      ended.abort();
      publisher.close();
    },
  };
}

test('a message of several parts is given as such, and the one after it is heard', async () => {
  await using pair = await foreignPair();
  const { publisher, source } = pair;
  const large = Buffer.alloc(3_110_400);
  let several = true;
  const sending = setInterval(() => void publisher.send(several ? ['a topic', large] : ['a frame']), 50);
  try {
    for await (const parts of source) {
      if (parts.length === 1) break;
      assert.deepEqual(
        parts.map(({ length }) => length),
        [7, large.length],
      );
      several = false;
    }
    assert.equal(several, false);
  } finally {
    clearInterval(sending);
  }
});

test('of what arrives while the process is busy the newest is given', async () => {
  await using pair = await foreignPair();
  const { publisher, source } = pair;
  const greeting = setInterval(() => void publisher.send('0'), 50);
  const given: number[] = [];
  const last = 60;
  try {
    for await (const [part] of source) {
      const sequence = Number(part);
      if (sequence === 0 && given.length > 0) continue;
      given.push(sequence);
      if (sequence === 0) {
        clearInterval(greeting);
        for (let next = 1; next <= last; next += 1) await publisher.send(String(next));
      }
      if (sequence === last) break;
      // libzmq goes on receiving.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
    assert.deepEqual(
      given,
      given.toSorted((a, b) => a - b),
    );
    assert.ok(given.length < last / 2, `${given.length} of ${last} were given`);
  } finally {
    clearInterval(greeting);
  }
});

test('an address that libzmq refuses is told with its variable', () => {
  const endpoint = { host: '_x', port: 5555, variable: 'PLAYBACK_PORT' };
  assert.throws(() => subscribe(endpoint, new AbortController().signal), {
    name: 'Fault',
    exitCode: 2,
    message: /^PLAYBACK_HOST="_x" is no address to connect to/,
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some(own => own?.some(({ address }) => address === '::1'));

test('a publisher on an IPv6 address is heard', {
  skip: !hasIpv6 && 'this machine has no IPv6',
}, async () => {
  const port = await freePort();
  const endpoint = { host: '[::1]', port, variable: 'PLAYBACK_PORT' };
  const ended = new AbortController();
  const sink = await publish(endpoint, ended.signal);
  assert.ok(await hears(subscribe(endpoint, ended.signal), sink, ended), 'nothing was heard within 8 s');
  ended.abort();
});

const ENDLESS = fileURLToPath(new URL('../../tests/support/endless-message.ts', import.meta.url));
const MB = 2 ** 20;
const zeros = Buffer.alloc(MB / 16);
const smallParts = Buffer.concat(Array.from({ length: 500 }, () => shortPart(Buffer.alloc(100, 7), true)));

for (const [what, chunk] of Object.entries({
  'one endless message': () => zeros,
  'one message of endless parts': () => smallParts,
})) {
  test(`a subscriber that sends ${what} costs a publisher no memory, and others are served`, async () => {
    const port = await freePort();
    const endpoint = { host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' };
    const ended = new AbortController();
    const sink = await publish(endpoint, ended.signal);
    try {
      const attacker = await connectRaw(port);
      const before = process.memoryUsage.rss();
      if (chunk() === zeros) attacker.write(longHeader(2 ** 30));
      const taken = await flood(attacker, 300 * MB, chunk);
      const grown = (process.memoryUsage.rss() - before) / MB;
      assert.ok(grown < 60, `${grown} MB more after ${taken} bytes`);
      if (chunk() === zeros) assert.ok(attacker.destroyed, 'the connection was not dropped');
      assert.ok(await hears(subscribe(endpoint, ended.signal), sink, ended), 'nothing was heard within 8 s');
      attacker.destroy();
    } finally {
      ended.abort();
    }
  });
}

/** Subscriptions to topics that nobody has asked for yet. */
function newTopics(): Buffer {
  return Buffer.concat(
    Array.from({ length: 500 }, () => shortPart(Buffer.concat([Buffer.of(1), randomBytes(60)]))),
  );
}

/** Floods a port from a few connections, each again and again when it is dropped, until `signal` is aborted. */
async function floodFromMany(port: number, signal: AbortSignal, chunk: () => Buffer): Promise<void> {
  const one = async () => {
    while (!signal.aborted) {
      const attacker = await connectRaw(port).catch(() => undefined);
      if (attacker === undefined) {
        await sleep(50);
        continue;
      }
      signal.addEventListener('abort', () => attacker.destroy(), { once: true });
      await flood(attacker, Number.POSITIVE_INFINITY, chunk);
    }
  };
  await Promise.all(Array.from({ length: 4 }, one));
}

for (const [what, chunk] of Object.entries({
  'a new topic with every message': newTopics,
  'messages that are no subscription': () =>
    Buffer.concat(Array.from({ length: 500 }, () => shortPart(Buffer.alloc(20, 7)))),
})) {
  test(`subscribers that send ${what} fill no memory, hold up nobody, and are named`, async () => {
    const port = await freePort();
    const child = fork(new URL('../../tests/support/bare-publisher.ts', import.meta.url), [String(port)]);
    const reports: { anonymous: number; lateMs: number; refusals: string[] }[] = [];
    child.on('message', report => reports.push(report as (typeof reports)[number]));
    const ended = new AbortController();
    try {
      await until(() => reports.length > 0, 'the publisher');
      const before = reports.at(-1)!;
      const flooding = floodFromMany(port, ended.signal, chunk);
      await until(() => reports.at(-1)!.refusals.length >= 2, 'a second refusal', 20_000);
      ended.abort();
      await flooding;
      const grown = (reports.at(-1)!.anonymous - before.anonymous) / MB;
      assert.ok(grown < 20, `${grown} MB more`);
      const late = Math.max(...reports.map(({ lateMs }) => lateMs));
      assert.ok(late < 1000, `the publisher did nothing for ${late} ms`);
      assert.match(reports.at(-1)!.refusals[0]!, /more than subscriptions, or too many/);
      const heard = new AbortController();
      const source = subscribe({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' }, heard.signal);
      const tooLate = setTimeout(() => heard.abort(), 8000);
      for await (const parts of source) if (parts.length === 1) break;
      clearTimeout(tooLate);
      assert.ok(!heard.signal.aborted, 'nothing was heard within 8 s');
      heard.abort();
    } finally {
      ended.abort();
      child.kill();
    }
  });
}

for (const count of [2, 40]) {
  test(`a subscriber of ${count} topics, which it asks for together, gets the frames of each`, async () => {
    const port = await freePort();
    const ended = new AbortController();
    const sink = await publish({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' }, ended.signal);
    const topics = Array.from({ length: count }, (_, index) => String.fromCharCode(48 + index));
    const subscriber = new Subscriber({ linger: 0 });
    subscriber.connect(`tcp://127.0.0.1:${port}`);
    subscriber.subscribe(...topics);
    const missing = new Set(topics);
    const sending = setInterval(async () => {
      for (const topic of missing) await sink.send(Buffer.from(topic));
    }, 50);
    const tooLate = setTimeout(() => subscriber.close(), 8000);
    try {
      for await (const [message] of subscriber) {
        missing.delete(String(message));
        if (missing.size === 0) break;
      }
      assert.deepEqual([...missing], []);
    } finally {
      clearInterval(sending);
      clearTimeout(tooLate);
      subscriber.close();
      ended.abort();
    }
  });
}

for (const [what, chunk] of Object.entries({
  'large parts': Buffer.concat([longHeader(zeros.length, true), zeros]),
  'small parts': smallParts,
})) {
  test(`a publisher whose message has ${what} without end is dropped, named, left alone for a while, and costs no more the third time`, async () => {
    const port = await freePort();
    let connections = 0;
    const leave = await stranger(port, handshake('PUB'), (socket, said) => {
      if (!said.includes('READY')) return;
      connections += 1;
      void flood(socket, 2000 * MB, () => chunk);
    });
    const subscriber = fork(ENDLESS, [String(port)]);
    try {
      const [{ fault, grownMb }] = await once(subscriber, 'message', { signal: AbortSignal.timeout(20_000) });
      assert.match(fault, /a message that does not end/);
      assert.ok(grownMb < 300, `${grownMb} MB`);
      assert.equal(connections, 1);

      await once(subscriber, 'message', { signal: AbortSignal.timeout(20_000) });
      const [third] = await once(subscriber, 'message', { signal: AbortSignal.timeout(20_000) });
      assert.equal(connections, 3);
      assert.ok(third.grownMb < grownMb + 50, `${grownMb} MB at the first, ${third.grownMb} MB at the third`);
    } finally {
      subscriber.kill('SIGKILL');
      await leave();
    }
  });
}

const part = Buffer.concat([longHeader(15 * MB, true), Buffer.alloc(15 * MB)]);
for (const [what, message] of Object.entries({
  '3 parts and 45 MB': Buffer.concat([part, part, longHeader(15 * MB), Buffer.alloc(15 * MB)]),
  '2001 parts and 1 MB': Buffer.concat([
    smallParts,
    smallParts,
    smallParts,
    smallParts,
    shortPart(zeros.subarray(0, 9)),
  ]),
})) {
  test(`a publisher whose messages have ${what} is dropped at the first, named, and left alone for a while`, async () => {
    const port = await freePort();
    let connections = 0;
    const leave = await stranger(port, handshake('PUB'), (socket, said) => {
      if (!said.includes('READY')) return;
      connections += 1;
      void flood(socket, 2000 * MB, () => message);
    });
    const subscriber = fork(ENDLESS, [String(port)]);
    try {
      const [first] = await once(subscriber, 'message', { signal: AbortSignal.timeout(20_000) });
      assert.ok(
        first.fault?.includes(`it sent a message of ${what}, so the connection was ended`),
        JSON.stringify(first),
      );
      assert.ok(first.grownMb < 200, `${first.grownMb} MB`);
      assert.equal(connections, 1);
    } finally {
      subscriber.kill('SIGKILL');
      await leave();
    }
  });
}

test('a publisher whose frames are much too long is named, with both lengths, and not as a link that flaps', async () => {
  const port = await freePort();
  const leave = await stranger(port, handshake('PUB'), (socket, said) => {
    if (said.includes('READY')) socket.write(longHeader(40 * MB));
  });
  const subscriber = fork(ENDLESS, [String(port)]);
  try {
    const [{ fault }] = await once(subscriber, 'message', { signal: AbortSignal.timeout(20_000) });
    assert.match(fault, /^it sends a frame of 40 MB; this service's memory has room for frames of 8 MB/);
  } finally {
    subscriber.kill('SIGKILL');
    await leave();
  }
});

test('what a publisher sends is looked at behind a secret, too', async () => {
  const ended = new AbortController();
  const endpoint = {
    host: '127.0.0.1',
    port: await freePort(),
    variable: 'PLAYBACK_PORT',
    secret: 'a1'.repeat(32),
  };
  const sink = await publish(endpoint, ended.signal);
  const sending = setInterval(() => void sink.send(Buffer.alloc(3000)), 3);
  try {
    assert.equal(await oversizeMessage(endpoint, 2999, ended.signal), 3000);
    assert.equal(await oversizeMessage(endpoint, 3000, ended.signal), undefined);
  } finally {
    clearInterval(sending);
    ended.abort();
  }
});

test('a subscription longer than any of a picture needs ends its connection, as libzmq keeps 40 times its bytes', async () => {
  const port = await freePort();
  const ended = new AbortController();
  await publish({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' }, ended.signal);
  try {
    const attacker = await connectRaw(port);
    attacker.write(Buffer.concat([Buffer.of(0, 100, 1), Buffer.alloc(99, 'x')]));
    await once(attacker.resume(), 'close');
  } finally {
    ended.abort();
  }
});

test('a subscriber that calls itself by a name of endless length is dropped in the handshake', async () => {
  const port = await freePort();
  const ended = new AbortController();
  await publish({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' }, ended.signal);
  try {
    const attacker = connect(port, '127.0.0.1')
      .on('error', () => {})
      .resume();
    const greeting = handshake('SUB').subarray(0, 64);
    attacker.write(Buffer.concat([greeting, Buffer.of(6), longHeader(2 ** 30).subarray(1)]));
    const before = process.memoryUsage.rss();
    await flood(attacker, 300 * MB, () => zeros);
    assert.ok(attacker.destroyed, 'the connection was not dropped');
    assert.ok(process.memoryUsage.rss() - before < 60 * MB);
  } finally {
    ended.abort();
  }
});
