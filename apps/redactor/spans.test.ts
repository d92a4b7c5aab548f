import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complement, countPixels, halved, type Spans, toRow, transposed, union } from './spans.ts';

const CASE: Spans = [[], [1, 3], [0, 2, 4, 5], [0, 5]];

/** A set of pixels as a drawing. */
const drawn = (spans: Spans, width: number): string[] =>
  spans.map(row => {
    const pixels = new Array(width).fill('.');
    for (let i = 0; i < row.length; i += 2) pixels.fill('#', row[i], row[i + 1]);
    return pixels.join('');
  });

test('runs that overlap or touch are one, and empty ones are none', () => {
  assert.deepEqual(
    toRow([
      [4, 6],
      [1, 2],
      [2, 3],
      [5, 9],
      [7, 7],
      [9, 8],
    ]),
    [1, 3, 4, 9],
  );
});

test('sets are joined, turned inside out and counted', () => {
  const other: Spans = [[2, 3], [], [2, 4], [1, 2]];
  assert.deepEqual(drawn(union([CASE, other]), 5), ['..#..', '.##..', '#####', '#####']);
  assert.deepEqual(drawn(complement(CASE, 5), 5), ['#####', '#..##', '..##.', '.....']);
  assert.equal(countPixels(CASE), 10);
  assert.deepEqual(union([CASE]), CASE);
});

test('a sample of 2×2 pixels is covered if one of them is, at odd edges too', () => {
  assert.deepEqual(drawn(halved(CASE), 3), ['##.', '###']);
  assert.deepEqual(drawn(halved([[], [], [4, 5]]), 3), ['...', '..#']);
});

test('a set by columns is the set by rows, turned', () => {
  const columns = drawn(transposed(CASE, 5), 4);
  const turned = [0, 1, 2, 3, 4].map(x =>
    drawn(CASE, 5)
      .map(row => row[x])
      .join(''),
  );
  assert.deepEqual(columns, turned);
  assert.deepEqual(transposed(transposed(CASE, 5), 4), CASE);
});
