import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Broadcast } from './broadcast.ts';
import { LivePicture } from './live-picture.ts';
import { Telemetry } from './telemetry.ts';
import { tellViewers } from './watch.ts';

const canvasIsLoaded = () =>
  Object.keys(createRequire(import.meta.url).cache).some(path => path.includes('/node_modules/canvas/'));

test('canvas is loaded when a card is seen by somebody, and no sooner', async () => {
  const telemetry = new Telemetry();
  using broadcast = new Broadcast(1, 1000, telemetry);
  const live = new LivePicture(
    'tcp://127.0.0.1:1',
    () => false,
    broadcast,
    () => async () => Buffer.of(),
    { changed() {}, encoded() {}, replaced() {}, failed() {} },
  );
  telemetry.observe(broadcast, live);
  await tellViewers(broadcast, live, telemetry);
  assert.equal(canvasIsLoaded(), false);
  live.card();
  assert.equal(canvasIsLoaded(), true);
});
