import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ServerClock } from './server-clock.ts';

/** A server whose clock can be set, and how often it was asked for the time. */
function server(context: { mock: { method: typeof import('node:test').mock.method } }) {
  const clock = { aheadMs: 3_600_000, asked: 0, passedMs: 0 };
  const realMs = performance.now.bind(performance);
  context.mock.method(performance, 'now', () => realMs() + clock.passedMs);
  context.mock.method(globalThis, 'fetch', async () => {
    clock.asked += 1;
    return Response.json({ time: performance.now() + clock.aheadMs });
  });
  return { clock, time: () => performance.now() + clock.aheadMs };
}

before(() => {
  Object.defineProperty(globalThis, 'location', { value: new URL('http://localhost/'), configurable: true });
});

test('a server whose clock is set is asked again, once in five seconds at most', async context => {
  const { clock, time } = server(context);
  const own = new ServerClock();
  assert.equal(own.now(), undefined);
  await own.check(time());
  assert.equal(clock.asked, 0, 'it is first set by a connection');
  await own.set();
  const offMs = () => Math.abs(own.now()! - time());
  assert.ok(offMs() < 50, `${offMs()} ms off`);
  for (const step of [-10_000, 10_000]) {
    clock.aheadMs += step;
    await own.check(time());
    assert.ok(offMs() > 9000, 'not so soon after it was set');
    clock.passedMs += 5000;
    await own.check(time());
    assert.ok(offMs() < 50, `${offMs()} ms off`);
  }
  assert.equal(clock.asked, 3);
});

test('a status that says the time as we have it asks nothing', async context => {
  const { clock, time } = server(context);
  const own = new ServerClock();
  await own.set();
  clock.passedMs += 60_000;
  await own.check(time() - 900);
  assert.equal(clock.asked, 1);
});
