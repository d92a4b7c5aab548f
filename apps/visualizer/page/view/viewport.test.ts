import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clamp, panBy, placeOf, pointAt, type Room, WHOLE, zoomAt } from './viewport.ts';

const room: Room = { window: { width: 1000, height: 800 }, whole: { width: 1000, height: 500 } };

function near(a: readonly number[], b: readonly number[]): void {
  for (const [i, value] of a.entries()) assert.ok(Math.abs(value - b[i]!) < 1e-9, `${a} is not ${b}`);
}

test('a zoom leaves the point under the pointer where it is', () => {
  let view = { ...WHOLE };
  for (const factor of [2, 1.5, 3]) {
    const before = pointAt(view, 120, -30, room);
    view = zoomAt(view, factor, 120, -30, room);
    near(pointAt(view, 120, -30, room), before);
    near(placeOf(view, ...before, room), [120, -30]);
  }
  assert.equal(view.zoom, 9);
});

test('no zoom shows less than the whole, or more than 32 times', () => {
  assert.deepEqual(zoomAt(WHOLE, 0.5, 100, 100, room), WHOLE);
  assert.equal(zoomAt(WHOLE, 1e6, 0, 0, room).zoom, 32);
});

test('a pan follows the hand and ends at the edge of the picture', () => {
  const view = zoomAt(WHOLE, 4, 0, 0, room);
  near(pointAt(panBy(view, 40, 20, room), 40, 20, room), pointAt(view, 0, 0, room));
  const edge = panBy(view, 1e6, 1e6, room);
  near(pointAt(edge, -500, -400, room), [0, 0]);
});

test('a picture that is smaller than the window stays in its middle', () => {
  near(Object.values(clamp({ zoom: 1.2, x: 0, y: 0.9 }, room)), [1.2, 1000 / 2400, 0.5]);
});
