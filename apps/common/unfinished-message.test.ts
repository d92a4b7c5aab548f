import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnfinishedMessage } from './unfinished-message.ts';

const MB = 2 ** 20;

test('a peer is left alone for longer after each message without end, and never for so long that a mended one waits 5 s', () => {
  const unfinished = new UnfinishedMessage(MB, MB);
  const pauses = Array.from({ length: 20 }, () => unfinished.pauseMs());
  assert.deepEqual(pauses.slice(0, 3), [1000, 2000, 3000]);
  assert.ok(Math.max(...pauses) <= 4000, String(pauses));
});

test('a process that grows by more than a frame before a message is whole finds one without end', () => {
  let bytes = 100 * MB;
  const unfinished = new UnfinishedMessage(MB, MB, () => bytes);
  assert.equal(unfinished.grows(), false);
  bytes += 60 * MB;
  assert.equal(unfinished.grows(), false);
  unfinished.heard(1, 1);
  bytes += 60 * MB;
  assert.equal(unfinished.grows(), false);
  bytes += 66 * MB;
  assert.equal(unfinished.grows(), true);
});

test('a look that learns nothing, e.g. for want of a descriptor, finds nothing, nor does the one after it', () => {
  let bytes: number | undefined;
  const unfinished = new UnfinishedMessage(MB, MB, () => bytes);
  assert.equal(unfinished.grows(), false);
  bytes = 400 * MB;
  assert.equal(unfinished.grows(), false);
});
