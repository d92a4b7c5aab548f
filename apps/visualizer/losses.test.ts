import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Losses } from './losses.ts';

const PROMPT = { prompt: 3, behind: 0, halfClosed: 0 };

/** What is reported in a minute of 30 frames a second, by its kind. */
function reported(each: (second: number) => Partial<Parameters<Losses['look']>[0]>, viewers = PROMPT) {
  const kinds = new Set<string>();
  const losses = new Losses({ slow: what => kinds.add(what) });
  for (let second = 1; second <= 60; second += 1) {
    const frames = 30 * second;
    const dropped = { upstream: 0, encoder: 0, viewer: 0 };
    const well = { received: frames, encoded: frames, recalled: 0, dropped, latencyMs: { p50: 20 } };
    losses.look({ ...well, ...each(second) }, viewers, second * 1000);
  }
  return [...kinds];
}

test('each part of the chain that is too slow is reported as itself', () => {
  const dropped = { upstream: 0, encoder: 0, viewer: 0 };
  assert.deepEqual(
    reported(() => ({})),
    [],
  );
  assert.deepEqual(
    reported(second => ({ dropped: { ...dropped, upstream: 5 * second } })),
    ['lost-upstream'],
  );
  assert.deepEqual(
    reported(second => ({ encoded: 20 * second, dropped: { ...dropped, encoder: 10 * second } })),
    ['lost-encoder'],
  );
  assert.deepEqual(
    reported(second => ({ dropped: { ...dropped, viewer: 60 * second } }), {
      prompt: 1,
      behind: 2,
      halfClosed: 0,
    }),
    ['viewers-behind'],
  );
  assert.deepEqual(
    reported(() => ({ latencyMs: { p50: 800 } })),
    ['pictures-late'],
  );
});

test('one slow viewer of many, a slow second, and a picture that was late a minute ago are not', () => {
  assert.deepEqual(
    reported(() => ({}), { prompt: 9, behind: 1, halfClosed: 0 }),
    [],
  );
  assert.deepEqual(
    reported(() => ({ received: 10, latencyMs: { p50: 800 } })).length,
    1,
    'while frames came',
  );
  assert.deepEqual(
    reported(second => ({ dropped: { upstream: second >= 5 ? 4 : 0, encoder: 0, viewer: 0 } })),
    [],
  );
});
