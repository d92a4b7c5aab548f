import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { release } from '../common/reclaim.ts';
import { Broadcast } from './broadcast.ts';
import { LivePicture } from './live-picture.ts';
import { Telemetry } from './telemetry.ts';
import { tellViewers, watch } from './watch.ts';

const MB = 2 ** 20;

/** Buffers of malloc's heap of so many bytes each; every second one is let go, and lies between two that are held. */
function everySecondOf(count: number, bytes: number): Buffer[] {
  const all = Array.from({ length: count }, () => Buffer.allocUnsafeSlow(bytes).fill(1));
  return all.filter((buffer, i) => {
    const held = i % 2 === 0;
    if (!held) release({ message: buffer });
    return held;
  });
}

/** A picture of which nothing has come, and nobody who watches. */
function nothing() {
  const telemetry = new Telemetry();
  const broadcast = new Broadcast(1, 1000, telemetry);
  const live = new LivePicture(
    'tcp://127.0.0.1:1',
    () => false,
    broadcast,
    () => async () => Buffer.of(),
    { changed() {}, encoded() {}, replaced() {}, failed() {} },
  );
  telemetry.observe(broadcast, live);
  return { telemetry, broadcast, live, [Symbol.dispose]: () => broadcast[Symbol.dispose]() };
}

test('memory that is free between what is held goes back to the kernel within 15 seconds', t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  using made = nothing();
  const ended = new AbortController();
  watch(made.broadcast, made.live, made.telemetry, ended.signal);

  const held = everySecondOf(1024, MB / 16);
  const before = process.memoryUsage.rss();
  t.mock.timers.tick(15_000);
  const after = process.memoryUsage.rss();
  ended.abort();
  assert.equal(held.length, 512);
  assert.ok(before - after > 24 * MB, `${(before - after) / MB} MB of 32 went back`);
});

const canvasIsLoaded = () =>
  Object.keys(createRequire(import.meta.url).cache).some(path => path.includes('/node_modules/canvas/'));

test('canvas is loaded when a card is seen by somebody, and no sooner', async () => {
  using made = nothing();
  const { broadcast, live, telemetry } = made;
  await tellViewers(broadcast, live, telemetry);
  assert.equal(canvasIsLoaded(), false);
  live.card();
  assert.equal(canvasIsLoaded(), true);
});
