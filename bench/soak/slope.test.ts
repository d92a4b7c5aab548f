import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from './random.ts';
import { slopeOf, student975 } from './slope.ts';

test('the quantiles of Student’s t are those of the tables', () => {
  for (const [freedom, quantile] of [
    [3, 3.182],
    [5, 2.571],
    [10, 2.228],
    [30, 2.042],
    [120, 1.98],
  ] as const)
    assert.ok(Math.abs(student975(freedom) / quantile - 1) < 0.01, `${freedom}: ${student975(freedom)}`);
});

test('the interval holds the true slope about 95 times of 100, though each sample resembles the one before', () => {
  let held = 0;
  const runs = 300;
  for (let run = 0; run < runs; run += 1) {
    const random = seeded(run + 1);
    let noise = 0;
    const points = Array.from({ length: 1440 }, (_, i) => {
      noise = 0.95 * noise + (random() - 0.5);
      return [5 * i, 100 + (2 * 5 * i) / 3600 + noise] as const;
    });
    const { interval } = slopeOf(points, 240);
    if (interval[0] <= 2 && 2 <= interval[1]) held += 1;
  }
  assert.ok(held >= 0.92 * runs && held <= 0.99 * runs, `${held} of ${runs}`);
});

test('two blocks say nothing about a slope', () => {
  const { interval } = slopeOf(
    [
      [0, 1],
      [5, 1],
      [10, 2],
      [15, 2],
    ],
    10,
  );
  assert.deepEqual(interval, [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
});
