import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoopFrame } from '../messages.ts';
import { Picture } from '../picture.ts';
import { MirroredLoop } from './mirrored-loop.ts';

const frame = (seq: number) => ({
  id: `a${seq}`,
  seq,
  position: seq,
  validAt: null,
  width: 8,
  height: 8,
  bytes: 9,
});
const picture = (seq: number) =>
  new Picture(Buffer.alloc(9), { ...frame(seq), publishedAt: 0, latencyMs: 0, mask: null });

test('of pictures that many viewers ask for two at once are asked of the origin, and each viewer gets its own', async () => {
  const asked: { id: string; answer: (picture: Picture) => void; fail: (error: Error) => void }[] = [];
  let most = 0;
  const loop = new MirroredLoop(
    // No room, so that none is asked for but for viewers.
    { maxBytes: 1, maxFrames: 100 },
    () => {},
    async id => {
      const { promise, resolve, reject } = Promise.withResolvers<Picture | undefined>();
      asked.push({ id, answer: resolve, fail: reject });
      most = Math.max(most, asked.length);
      return await promise;
    },
  );
  const frames = Array.from({ length: 20 }, (_, seq) => frame(seq));
  loop.replace({ frames, bytes: 180, maxBytes: 1000, maxFrames: 100, revision: 1 });
  let done = false;
  const all = Promise.all(frames.map(({ id }) => loop.picture(id))).finally(() => {
    done = true;
  });
  const lacking = [7, 11];
  for (let turn = 0; turn < 100; turn += 1) {
    const next = asked.shift();
    const seq = Number(next?.id.slice(1));
    if (lacking.includes(seq)) next?.fail(new Error('it has cut the connection'));
    else next?.answer(picture(seq));
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.ok(done, 'one that fails leaves its turn to the next');
  assert.equal(most, 2);
  assert.deepEqual(
    (await all).map(each => each?.facts.seq),
    frames.map(({ seq }) => (lacking.includes(seq) ? undefined : seq)),
  );
});

/** A history that may hold this many pictures, of an origin that lacks them all, and what its viewers are told. */
function mirror(maxFrames: number) {
  const asked: string[] = [];
  const shown: LoopFrame[] = [];
  const loop = new MirroredLoop(
    { maxBytes: 1000, maxFrames },
    ({ added, removed }) => {
      const leaving = new Set(removed);
      const left = shown.filter(({ id }) => !leaving.has(id));
      for (const { after, ...each } of added)
        left.splice(left.findIndex(({ id }) => id === after) + 1, 0, each);
      shown.splice(0, shown.length, ...left);
    },
    async id => {
      asked.push(id);
      return undefined;
    },
  );
  const list = (seqs: number[], revision: number) => {
    loop.replace({ frames: seqs.map(frame), bytes: 9, maxBytes: 1e6, maxFrames: 1e6, revision });
    shown.splice(0, shown.length, ...loop.list().frames);
  };
  let revision = 1;
  const change = (added: [seq: number, after: number | null][], removed: number[] = []) => {
    revision += 1;
    const frames = added.map(([seq, after]) => ({
      ...frame(seq),
      after: after === null ? null : `a${after}`,
    }));
    return loop.apply({ added: frames, removed: removed.map(seq => `a${seq}`), revision });
  };
  const seqs = () => {
    const { frames, bytes } = loop.list();
    assert.equal(bytes, 9 * frames.length);
    assert.deepEqual(shown, frames, 'what viewers were told is what is listed');
    return frames.map(({ seq }) => seq);
  };
  return { loop, asked, list, change, seqs };
}
const upTo = (count: number) => Array.from({ length: count }, (_, seq) => seq);

test('of what an origin lists, a relay lists the newest that it may hold, and keeps to that as the listing changes', () => {
  const { list, change, seqs, loop } = mirror(3);
  list(upTo(10), 1);
  assert.deepEqual(seqs(), [7, 8, 9]);
  assert.equal(loop.list().maxFrames, 3);
  assert.equal(change([[10, 9]], [0]), true);
  assert.deepEqual(seqs(), [8, 9, 10]);
  // A picture anew at an early place of a clip, and one at its beginning.
  assert.equal(change([[11, 3]], [4]), true);
  assert.equal(change([[12, null]]), true);
  assert.deepEqual(seqs(), [8, 9, 10]);
  assert.equal(change([[13, 8]], [9]), true);
  assert.deepEqual(seqs(), [8, 13, 10]);
  // The origin begins a history of another kind.
  assert.equal(change([], [...upTo(11), 11, 12, 13]), true);
  assert.equal(change([[20, null]]), true);
  assert.deepEqual(seqs(), [20]);
  assert.equal(change([[21, 19]]), false, 'one before it was missed');
});

test('changes without end make no listing grow beyond what may be held', () => {
  const { list, change, seqs } = mirror(50);
  list([0], 1);
  for (let seq = 1; seq < 500; seq += 1) assert.equal(change([[seq, seq % 2 ? seq - 1 : null]]), true);
  assert.equal(seqs().length, 50);
});

test('an origin that has nothing of what it lists is not asked for all of it', async () => {
  const { list, asked } = mirror(10_000);
  list(upTo(10_000), 1);
  for (let turn = 0; turn < 1000; turn += 1) await new Promise(resolve => setImmediate(resolve));
  assert.ok(asked.length > 1 && asked.length < 100, `${asked.length} times`);
  assert.equal(new Set(asked).size, asked.length, 'none twice');
});
