import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Minute } from './minute.ts';

test('a minute has a measurement for each second, and none for those in which nobody looked', () => {
  const minute = new Minute();
  const rates = () => minute.seconds.map(({ fps }) => fps);
  for (const ms of [0, 200, 400, 1000, 1900, 2100]) minute.add({ fps: ms, latencyMs: 1 }, ms);
  assert.deepEqual(rates(), [0, 1000, 2100]);
  minute.add({ fps: 5, latencyMs: 1 }, 5300);
  assert.deepEqual(rates(), [0, 1000, 2100, undefined, undefined, 5]);
});

test('it forgets what is older than a minute, also after a long absence', () => {
  const minute = new Minute();
  for (let second = 0; second < 90; second++) minute.add({ fps: second, latencyMs: 1 }, second * 1000);
  assert.equal(minute.seconds.length, 60);
  assert.equal(minute.seconds[0]!.fps, 30);
  minute.add({ fps: 7, latencyMs: 1 }, 3_600_000);
  assert.equal(minute.seconds.length, 60);
  assert.deepEqual(
    minute.seconds.filter(({ fps }) => fps !== undefined).map(({ fps }) => fps),
    [7],
  );
});
