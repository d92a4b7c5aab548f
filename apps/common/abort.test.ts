import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onAbort } from './abort.ts';

test('what a signal owns is closed once, when the signal is aborted', () => {
  const owner = new AbortController();
  let closed = 0;
  onAbort(owner.signal, () => {
    closed += 1;
  });
  assert.equal(closed, 0);
  owner.abort();
  owner.abort();
  assert.equal(closed, 1);
});

test('what a signal owns that is aborted already is closed at once', () => {
  let closed = 0;
  onAbort(AbortSignal.abort(), () => {
    closed += 1;
  });
  assert.equal(closed, 1);
});

test('what has ended by itself is not closed by the signal any more', () => {
  const owner = new AbortController();
  const release = onAbort(owner.signal, () => assert.fail('closed'));
  release();
  owner.abort();
});
