import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { feedFor } from '../../tests/support/feed.ts';

const canvasIsLoaded = () =>
  Object.keys(createRequire(import.meta.url).cache).some(path => path.includes('/node_modules/canvas/'));

test('canvas is loaded when a card is seen by somebody, and no sooner', async () => {
  using made = feedFor({ connected: false });
  await made.feed.everySecond();
  assert.equal(canvasIsLoaded(), false);
  made.feed.card();
  assert.equal(canvasIsLoaded(), true);
});
