import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fit, trend } from './statistics.ts';

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

test('a formula is found again in what it makes, and what lies above it is told', () => {
  const rows = [1, 2, 4, 8, 16].flatMap(x => [1, 3].map(y => [1, x, y]));
  const made = rows.map(([, x, y]) => 3 + 2 * x! + 5 * y!);
  const { factors, predict, over } = fit(rows, made);
  assert.deepEqual(
    factors.map(factor => Math.round(1e6 * factor) / 1e6),
    [3, 2, 5],
  );
  assert.ok(Math.abs(predict([1, 10, 10]) - 73) < 1e-6);
  assert.ok(Math.abs(over) < 1e-9, `${over}`);
  const odd = fit(rows, made.with(4, 1.5 * made[4]!));
  assert.ok(odd.over > 0.25 && odd.over < 0.5, `${odd.over}`);
});

test('a small measurement counts as much as a large one', () => {
  // One factor for both: half an error each is what they agree on, and not what suits the large one.
  const { predict } = fit([[1], [100]], [2, 100]);
  const errors = [predict([1]) / 2 - 1, predict([100]) / 100 - 1];
  assert.ok(errors[1]! > 0.15 && errors[0]! > -0.45, `${errors}`);
});
