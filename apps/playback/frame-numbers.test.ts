import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameNumbers } from './frame-numbers.ts';

const frame = (index: number, positionUs: number) => ({
  index,
  positionUs,
  dueUs: 0,
  message: Buffer.alloc(0),
});

test('frames are counted, of a clip of variable rate too', () => {
  const numbers = new FrameNumbers(40_000);
  assert.deepEqual(
    [0, 10_000, 500_000].map((positionUs, index) => numbers.of(frame(index, positionUs))),
    [0, 1, 2],
  );
});

test('where pictures are missing, the time says which one a frame is', () => {
  const numbers = new FrameNumbers(40_000);
  for (const index of [0, 1, 2]) assert.equal(numbers.of(frame(index, index * 40_000)), index);
  numbers.damaged();
  assert.equal(numbers.of(frame(3, 5 * 40_000)), 5);
  // The decoder of the next round is at work already: the damage may be its own.
  assert.equal(numbers.of(frame(0, 0)), 0);
  assert.equal(numbers.of(frame(1, 80_000)), 2);
  for (const index of [0, 1, 2]) assert.equal(numbers.of(frame(index, index * 40_000)), index);
});

test('where pictures of a variable rate are missing, a frame has no number', () => {
  const numbers = new FrameNumbers(40_000);
  for (const index of [0, 1, 2]) numbers.of(frame(index, index * index * 40_000));
  numbers.damaged();
  assert.equal(numbers.of(frame(3, 9 * 40_000)), -1);
});
