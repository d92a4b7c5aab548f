import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LossWatch } from './loss-watch.ts';

/** What is said of 30 frames a second, of which some are lost. */
function told(seconds: number, lostOf: (frame: number) => boolean): string[] {
  const watch = new LossWatch();
  return Array.from({ length: 30 * seconds }, (_, frame) =>
    watch.noted(lostOf(frame) ? 1 : 0, lostOf(frame) ? 0 : 1, (frame * 1000) / 30),
  ).filter(words => words !== undefined);
}

test('one frame in ten that is lost is told once a second, from the sixth on', () => {
  const words = told(20, frame => frame % 10 === 0);
  assert.ok(words.length === 15, `${words.length}`);
  assert.match(words.at(-1)!, /^\d\d of \d\d\d frames within 10 s$/);
});

test('a frame now and then is not, nor what was lost more than ten seconds ago', () => {
  assert.deepEqual(
    told(60, frame => frame % 40 === 0),
    [],
  );
  const watch = new LossWatch();
  watch.noted(500, 0, 0);
  assert.equal(watch.noted(0, 1, 60_000), undefined);
});
