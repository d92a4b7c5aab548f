/** A process or a link that stands still, here or at the other end, aborts nothing and is noticed. */
import assert from 'node:assert/strict';
import { execFile, fork } from 'node:child_process';
import { on, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Publisher } from 'zeromq';
import { freePort } from '../../tests/support/ports.ts';
import { until } from '../../tests/support/until.ts';
import { handshake } from '../../tests/support/zmtp.ts';
import { publish, subscribe } from './bus.ts';

const script = (name: string) => fileURLToPath(new URL(`../../tests/support/${name}`, import.meta.url));
const run = promisify(execFile);
/** Longer than libzmq's heartbeats took to abort a process. */
const BLOCK_MS = 6000;

/** A foreign publisher of 30 frames a second, larger than what the kernel buffers soon. */
async function foreignPublisher(port: number, options: object = {}) {
  const socket = new Publisher({ linger: 0, sendHighWaterMark: 1, ...options });
  // The port of one that has just closed is free a little later.
  await until(
    () =>
      socket.bind(`tcp://127.0.0.1:${port}`).then(
        () => true,
        () => false,
      ),
    'the port',
  );
  const frame = Buffer.alloc(300_000);
  const sending = setInterval(() => void socket.send(frame), 33);
  return {
    [Symbol.dispose]() {
      clearInterval(sending);
      socket.close();
    },
  };
}

/** A subscriber in a process of its own. */
async function subscriberOf(port: number) {
  const child = fork(script('blocked-subscriber.ts'), [String(port)]);
  const ended = new AbortController();
  const exited = once(child, 'exit').then(([code, signal]) => {
    ended.abort(new Error(`the process ended with ${signal ?? code}`));
  });
  return {
    child,
    /** Waits for a report: a number for a message, else a word. */
    async reported(fits: (report: unknown) => boolean) {
      for await (const [report] of on(child, 'message', { signal: ended.signal })) if (fits(report)) return;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

const isFrame = (report: unknown) => typeof report === 'number';

describe('a process that stands still for 6 s while frames flow goes on afterwards', {
  concurrency: true,
}, () => {
  for (const [what, options, meanwhile] of [
    ['', {}],
    [', with a publisher that sends heartbeats', { heartbeatInterval: 500, heartbeatTimeToLive: 1000 }],
    [', with a publisher that is replaced meanwhile', {}, 'replaced'],
  ] as const) {
    test(`with its event loop blocked${what}`, async () => {
      const port = await freePort();
      let publisher = await foreignPublisher(port, options);
      await using subscriber = await subscriberOf(port);
      await subscriber.reported(isFrame);
      subscriber.child.send(BLOCK_MS);
      await subscriber.reported(report => report === 'blocked');
      const unblocked = subscriber.reported(report => report === 'unblocked');
      if (meanwhile) {
        publisher[Symbol.dispose]();
        publisher = await foreignPublisher(port, options);
      }
      using _ = publisher;
      await unblocked;
      for (let frames = 0; frames < 10; frames += 1) await subscriber.reported(isFrame);
    });
  }

  test('suspended as a whole', async () => {
    const port = await freePort();
    using _ = await foreignPublisher(port);
    await using subscriber = await subscriberOf(port);
    await subscriber.reported(isFrame);
    subscriber.child.kill('SIGSTOP');
    await new Promise(resolve => setTimeout(resolve, BLOCK_MS));
    subscriber.child.kill('SIGCONT');
    for (let frames = 0; frames < 10; frames += 1) await subscriber.reported(isFrame);
  });

  test('meanwhile, a peer that asks for the secret and hangs when it has it is named', async () => {
    const greeting = handshake('PUB').subarray(0, 64).fill(0, 12, 32);
    greeting.write('PLAIN', 12);
    greeting[32] = 1;
    const server = createServer(socket => socket.on('error', () => {}).write(greeting));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const endpoint = { host: '127.0.0.1', port, variable: 'PLAYBACK_PORT', secret: 'a1'.repeat(32) };
    const ended = new AbortController();
    const { promise, resolve } = Promise.withResolvers<string>();
    subscribe(endpoint, ended.signal, undefined, { reconnected() {}, flapping() {}, unreachable: resolve });
    try {
      assert.match(await promise, /that greets and says nothing more; it may hang$/);
    } finally {
      ended.abort();
      server.close();
    }
  });
});

/** Subscribes, counts what comes, and ends at the end of the scope. */
function counted(port: number) {
  const ended = new AbortController();
  const source = subscribe({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' }, ended.signal);
  const seen = { messages: 0 };
  const done = (async () => {
    for await (const _ of source) seen.messages += 1;
  })();
  return {
    source,
    seen,
    async more(count: number, what: string, withinMs: number) {
      const before = seen.messages;
      await until(() => seen.messages >= before + count, what, withinMs);
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await done;
    },
  };
}

test('a peer that hangs counts as gone within 8 s, and is heard once it goes on', async () => {
  const port = await freePort();
  const peer = fork(script('publisher.ts'), [String(port)]);
  try {
    await using counting = counted(port);
    await counting.more(3, 'frames', 8000);
    peer.kill('SIGSTOP');
    await until(() => !counting.source.connected, 'the loss of the peer', 8000);
    peer.kill('SIGCONT');
    await counting.more(3, 'frames after the hang', 8000);
    assert.ok(counting.source.connected);
  } finally {
    peer.kill('SIGKILL');
  }
});

/** Passes connections on to a port, until `forget` makes it forget those that stand, without an end or a word. */
async function middlebox(to: number) {
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer(client => {
    const upstream = connect(to, '127.0.0.1').on('error', () => {});
    client
      .on('error', () => {})
      .pipe(upstream)
      .pipe(client);
    pairs.add([client, upstream]);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    forget() {
      for (const [client, upstream] of pairs) {
        client.unpipe(upstream).pause();
        upstream.unpipe(client).resume();
      }
    },
    [Symbol.dispose]() {
      server.close();
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
  };
}

test('a link that stands and carries nothing any more is made anew within 8 s', async () => {
  const port = await freePort();
  const ended = new AbortController();
  const sink = await publish({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' }, ended.signal);
  const sending = setInterval(() => void sink.send(Buffer.from('a frame')), 33);
  try {
    using box = await middlebox(port);
    await using counting = counted(box.port);
    await counting.more(3, 'frames', 8000);
    box.forget();
    await new Promise(resolve => setTimeout(resolve, 100));
    await counting.more(3, 'frames on a new connection', 8000);
  } finally {
    clearInterval(sending);
    ended.abort();
  }
});

const isolated = process.getuid?.() === 0 ? ['-n'] : ['-rn'];
const canIsolate = await run('unshare', [...isolated, 'ip', 'link', 'set', 'lo', 'up']).then(
  () => true,
  () => false,
);

test('a link that is cut without a word counts as gone within 7 s, and frames flow within 8 s of its mending', {
  skip: !canIsolate && 'this user can make no network namespace',
}, async () => {
  await run('unshare', [...isolated, process.execPath, script('cut-link.ts')]);
});
