import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Holder, holdersToGo } from './held-pictures.ts';

const PICTURE = Buffer.alloc(100);
const OTHER = Buffer.alloc(100);
const holder = (held: Buffer | undefined, wroteMs: number, encrypted = false): Holder => ({
  held,
  wroteMs,
  encrypted,
});

test('one picture that waits for many is held once, and once for each whose bytes are encrypted', () => {
  const shared = [holder(PICTURE, 1), holder(PICTURE, 2), holder(OTHER, 3), holder(undefined, 0)];
  assert.deepEqual(holdersToGo(shared, 200), []);
  const own = [holder(PICTURE, 2, true), holder(PICTURE, 1, true), holder(PICTURE, 3, true)];
  assert.deepEqual(holdersToGo(own, 300), []);
  assert.deepEqual(holdersToGo(own, 200), [own[1]]);
});

test('all who share the oldest picture go before anybody with a newer one', () => {
  const viewers = [holder(OTHER, 3), holder(PICTURE, 1), holder(PICTURE, 2), holder(undefined, 0)];
  assert.deepEqual(holdersToGo(viewers, 199), [viewers[1], viewers[2]]);
  assert.deepEqual(holdersToGo([holder(OTHER, 3)], 1), [], 'one picture may wait, however large it is');
});
