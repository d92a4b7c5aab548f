import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { feedFor } from '../../tests/support/feed.ts';
import { release } from '../common/reclaim.ts';
import { beat } from './heartbeat.ts';

const MB = 2 ** 20;

/** Buffers on malloc's heap; every second one is released, and lies between two that are held. */
function everySecondOf(count: number, bytes: number): Buffer[] {
  const all = Array.from({ length: count }, () => Buffer.allocUnsafeSlow(bytes).fill(1));
  return all.filter((buffer, i) => {
    const held = i % 2 === 0;
    if (!held) release({ message: buffer });
    return held;
  });
}

test('memory that is free between what is held goes back to the kernel within 15 seconds', t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  using made = feedFor({ connected: false });
  const ended = new AbortController();
  beat(made.feed, ended.signal);

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
  using made = feedFor({ connected: false });
  await made.feed.everySecond();
  assert.equal(canvasIsLoaded(), false);
  made.feed.card();
  assert.equal(canvasIsLoaded(), true);
});
