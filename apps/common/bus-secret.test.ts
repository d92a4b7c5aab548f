import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Publisher, Subscriber } from 'zeromq';
import { freePort } from '../../tests/support/ports.ts';
import { until } from '../../tests/support/until.ts';
import { publish, subscribe } from './bus.ts';
import { guard } from './zap.ts';

const SECRET = 'a1'.repeat(32);

/** A publisher that asks for the secret and sends all the time. */
async function guarded(signal: AbortSignal) {
  const endpoint = { host: '127.0.0.1', port: await freePort(), variable: 'PLAYBACK_PORT' };
  const refused: string[] = [];
  const sink = await publish({ ...endpoint, secret: SECRET }, signal, { refused: why => refused.push(why) });
  const sending = setInterval(() => void sink.send(Buffer.from('a frame')), 5);
  signal.addEventListener('abort', () => clearInterval(sending));
  return { endpoint, refused };
}

/** Counts what arrives until the signal is aborted. */
function counting(source: AsyncIterable<unknown>): () => number {
  let count = 0;
  void (async () => {
    for await (const _ of source) count += 1;
  })();
  return () => count;
}

test('only a subscriber that knows the secret gets a byte, and the others are refused in words', async () => {
  const stop = new AbortController();
  const { endpoint, refused } = await guarded(stop.signal);
  const known = counting(subscribe({ ...endpoint, secret: SECRET }, stop.signal));
  const strangers = [undefined, 'b2'.repeat(32), `${SECRET}x`, SECRET.slice(0, -1)].map(secret =>
    counting(subscribe({ ...endpoint, secret }, stop.signal)),
  );
  await until(() => refused.some(why => why.includes('has another secret')), 'a wrong secret to be refused');
  await until(() => refused.some(why => why.includes('offers no secret')), 'a missing secret to be refused');
  const before = known();
  await until(() => known() > before + 20, 'frames for the one that knows it');
  assert.deepEqual(
    strangers.map(count => count()),
    [0, 0, 0, 0],
  );
  assert.ok(!refused.some(why => why.includes(SECRET.slice(0, 8))), 'no secret in a log');
  stop.abort();
});

test('a subscriber that has a secret takes nothing from a publisher that asks for none', async () => {
  const stop = new AbortController();
  const endpoint = { host: '127.0.0.1', port: await freePort(), variable: 'PLAYBACK_PORT' };
  const sink = await publish(endpoint, stop.signal);
  const open = counting(subscribe(endpoint, stop.signal));
  const careful = counting(subscribe({ ...endpoint, secret: SECRET }, stop.signal));
  const sending = setInterval(() => void sink.send(Buffer.from('a fake frame')), 5);
  await until(() => open() > 50, 'frames for the one that asks for nothing');
  clearInterval(sending);
  assert.equal(careful(), 0);
  stop.abort();
});

test('a socket of another make gets in with the user name and the secret, as the documentation has it', async () => {
  const stop = new AbortController();
  const { endpoint } = await guarded(stop.signal);
  const socket = new Subscriber({ plainUsername: 'noaa', plainPassword: SECRET, linger: 0 });
  socket.connect(`tcp://127.0.0.1:${endpoint.port}`);
  socket.subscribe();
  const [part] = await socket.receive();
  assert.equal(String(part), 'a frame');
  socket.close();
  stop.abort();
});

test('a publisher that turns this host away is reported as that, and not with a secret that is not set', async () => {
  const stop = new AbortController();
  const port = await freePort();
  await guard('a domain', { secret: SECRET, refused() {} }, stop.signal);
  const publisher = new Publisher({ linger: 0, zapDomain: 'a domain', zapEnforceDomain: true });
  await publisher.bind(`tcp://127.0.0.1:${port}`);
  const { promise, resolve } = Promise.withResolvers<string>();
  const events = { reconnected() {}, flapping() {}, unreachable: resolve };
  subscribe({ host: '127.0.0.1', port, variable: 'PLAYBACK_PORT' }, stop.signal, undefined, events);
  assert.match(await promise, /^it takes nothing from this host/);
  stop.abort();
  publisher.close();
});
