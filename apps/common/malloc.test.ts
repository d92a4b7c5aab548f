import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { keepTrimmed, trimMalloc } from './malloc.ts';
import { release } from './reclaim.ts';

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

test('memory that is free between what is held goes back to the kernel within 15 seconds', async t => {
  await trimMalloc();
  t.mock.timers.enable({ apis: ['setInterval'] });
  const ended = new AbortController();
  keepTrimmed(ended.signal);

  const held = everySecondOf(1024, MB / 16);
  const before = process.memoryUsage.rss();
  t.mock.timers.tick(15_000);
  await setImmediate();
  const after = process.memoryUsage.rss();
  ended.abort();
  assert.equal(held.length, 512);
  assert.ok(before - after > 24 * MB, `${(before - after) / MB} MB of 32 went back`);
});
