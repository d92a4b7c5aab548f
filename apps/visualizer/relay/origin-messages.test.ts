import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestListed, readLoop } from './origin-messages.ts';

const frame = (seq: number) => ({
  ...{ id: `a${seq}`, seq, position: 40_000 * seq, validAt: 1.7e12 + seq },
  ...{ width: 1920, height: 1080, bytes: 270_000 },
});
const listOf = (count: number) => ({
  frames: Array.from({ length: count }, (_, seq) => frame(seq)),
  ...{ bytes: 270_000 * count, maxBytes: 2 ** 28, maxFrames: 1e6, revision: count },
});
const read = (body: Buffer, count: number) => {
  const text = newestListed(body, count);
  return text === undefined ? undefined : readLoop(JSON.parse(text));
};

test('of a listing the newest frames are read, and all of a short one', () => {
  for (const count of [0, 1, 4, 5, 6, 100_000]) {
    const list = listOf(count);
    const { frames = [], ...others } = read(Buffer.from(JSON.stringify(list)), 5) ?? {};
    assert.deepEqual(frames, list.frames.slice(-5).slice(-frames.length));
    assert.ok(frames.length >= Math.min(count, 4), `${frames.length} of ${count}`);
    const { frames: _, ...theirs } = list;
    assert.deepEqual(others, theirs);
  }
});

for (const [what, text] of Object.entries({
  'of brackets only': '['.repeat(1e6) + ']'.repeat(1e6),
  'of empty arrays': `[${'[],'.repeat(1e6)}[]]`,
  'of one object with a million keys': `{${Array.from({ length: 1e6 }, (_, key) => `"${key}":1`).join()}}`,
  'with such an object among its newest frames': `{"frames":[{${'"a":1,'.repeat(1e6)}"b":1},{},{}],"bytes":1}`,
})) {
  test(`a text ${what} is never parsed`, () => {
    assert.equal(newestListed(Buffer.from(text), 600), undefined);
  });
}
