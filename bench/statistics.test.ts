import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trend } from './statistics.ts';

const curve = (value: (second: number) => number) =>
  Array.from({ length: 1800 }, (_, second) => [second, value(second)] as const);

test('a curve that stays where it is does not grow', () => {
  assert.deepEqual(trend(curve(() => 100)).sixths, [100, 100, 100, 100, 100, 100]);
  const { growth, anHour } = trend(curve(second => 100 + (second % 2)));
  assert.ok(Math.abs(growth) < 0.011 && Math.abs(anHour) < 0.1, `${growth}, ${anHour} an hour`);
});

test('a slow rise is told as what an hour of it makes', () => {
  const { growth, anHour } = trend(curve(second => 100 + (12 * second) / 3600));
  assert.ok(Math.abs(anHour - 12) < 1e-6, `${anHour}`);
  // Five sixths of half an hour lie between the middles of the first sixth and the last.
  assert.ok(Math.abs(growth - 0.05) < 0.001, `${growth}`);
});

test('a step in the last sixth is growth, where the halves would hide it', () => {
  const { growth } = trend(curve(second => (second < 1450 ? 100 : 120)));
  assert.ok(Math.abs(growth - 0.2) < 1e-9, `${growth}`);
});
