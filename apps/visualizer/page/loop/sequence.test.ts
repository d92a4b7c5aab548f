import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_PACE, type Direction, holdMs, nextPlace, type Place, roundOf } from './sequence.ts';

/** The first places of a loop that starts at `index`. */
function places(index: number, length: number, direction: Direction, count: number): number[] {
  let place: Place = { index, heading: 1 };
  return Array.from({ length: count }, () => {
    place = nextPlace(place, length, direction);
    return place.index;
  });
}

test('a loop begins anew at its end, either way', () => {
  assert.deepEqual(places(1, 4, 'forward', 5), [2, 3, 0, 1, 2]);
  assert.deepEqual(places(1, 4, 'backward', 5), [0, 3, 2, 1, 0]);
});

test('a rocking loop turns at both ends and shows neither end twice', () => {
  assert.deepEqual(places(0, 4, 'rock', 8), [1, 2, 3, 2, 1, 0, 1, 2]);
});

test('a loop of one frame stays there', () => {
  for (const direction of ['forward', 'backward', 'rock'] as const) {
    assert.deepEqual(places(0, 1, direction, 3), [0, 0, 0], direction);
  }
});

test('the defaults are those of AWIPS: 250 ms a frame, 700 ms on the first and 1500 ms on the last', () => {
  assert.deepEqual(
    [0, 1, 2, 3].map(index => holdMs(index, 4, DEFAULT_PACE)),
    [700, 250, 250, 1500],
  );
});

test('a dwell does not change with the speed, and is never shorter than a frame', () => {
  const held = (speed: number) => [0, 1, 2].map(index => holdMs(index, 3, { ...DEFAULT_PACE, speed }));
  assert.deepEqual(held(2), [700, 125, 1500]);
  assert.deepEqual(held(0.1), [2500, 2500, 2500]);
});

test('a round has each frame once, and when rocking each frame between the ends twice', () => {
  const round = (direction: Direction) => roundOf(4, { ...DEFAULT_PACE, direction });
  const indexes = (direction: Direction) => round(direction).map(({ index }) => index);
  assert.deepEqual(indexes('forward'), [0, 1, 2, 3]);
  assert.deepEqual(indexes('backward'), [3, 2, 1, 0]);
  assert.deepEqual(indexes('rock'), [0, 1, 2, 3, 2, 1]);
  assert.deepEqual(
    round('backward').map(step => step.holdMs),
    [1500, 250, 250, 700],
  );
});
