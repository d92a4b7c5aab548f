import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameLayout, parseFrame, writeStamp } from '../common/frame.ts';
import { Loop } from './loop.ts';
import type { LoopChange } from './messages.ts';
import { Picture } from './picture.ts';

const SIZE = { width: 8, height: 8 };

function pictureAt(position: number | null, jpeg: Buffer, more: { mask?: string; validAt?: number } = {}) {
  const { mask = null, validAt = null } = more;
  return new Picture(jpeg, { seq: 0, ...SIZE, publishedAt: 0, position, latencyMs: null, validAt, mask });
}

/** A frame of one shade at a place in a clip. */
function frameAt(positionUs: number, shade: number) {
  const layout = new FrameLayout('i420', SIZE.width, SIZE.height);
  const message = layout.allocate().fill(shade, layout.pixelOffset, layout.pixelOffset + layout.pixelBytes);
  writeStamp(message, { sequence: 0n, publishedAtNs: 0n, positionUs: BigInt(positionUs) });
  const frame = parseFrame(message);
  assert.ok(frame.ok);
  return frame;
}

function loopOf(limits: Partial<{ maxBytes: number; maxFrames: number }> = {}) {
  const changes: LoopChange[] = [];
  const loop = new Loop({ maxBytes: 1e6, maxFrames: 100, ...limits }, change => changes.push(change));
  const positions = () => loop.list().frames.map(({ position }) => position);
  return { loop, changes, positions };
}

const jpegOf = (shade: number, bytes = 10) => Buffer.alloc(bytes, shade);

test('a clip that repeats is held once and not once a round, listed from its beginning', () => {
  const { loop, changes, positions } = loopOf();
  for (let round = 0; round < 3; round += 1) {
    for (const position of [1, 2, 3]) loop.add(pictureAt(position, jpegOf(position)));
  }
  loop.add(pictureAt(1, jpegOf(1)));
  assert.deepEqual(positions(), [1, 2, 3]);
  assert.equal(changes.length, 3);
});

test('a frame that was missed in one round is put in its place in the next', () => {
  const { loop, changes, positions } = loopOf();
  for (const position of [1, 3]) loop.add(pictureAt(position, jpegOf(position)));
  for (const position of [1, 2, 3]) loop.add(pictureAt(position, jpegOf(position)));
  assert.deepEqual(positions(), [1, 2, 3]);
  const first = loop.list().frames[0]!.id;
  assert.equal(changes.at(-1)!.added[0]!.after, first);
});

test('of a clip longer than the loop the newest pictures are held, the newest last, across the turn of a round', () => {
  const { loop, positions } = loopOf({ maxFrames: 3 });
  for (const position of [1, 2, 3, 4, 5, 1, 2]) loop.add(pictureAt(position, jpegOf(position)));
  assert.deepEqual(positions(), [5, 1, 2]);
});

test('the JPEGs never exceed the limit of bytes, and what made room is reported', () => {
  const { loop, changes } = loopOf({ maxBytes: 1000 });
  const held = new Set<string>();
  for (let position = 1; position <= 100; position += 1) {
    loop.add(pictureAt(position, jpegOf(position, 1 + ((position * 37) % 400))));
    const { frames, bytes } = loop.list();
    assert.ok(bytes <= 1000, `${bytes} bytes`);
    assert.equal(
      bytes,
      frames.reduce((sum, frame) => sum + frame.bytes, 0),
    );
  }
  for (const { added, removed } of changes) {
    for (const { id } of added) held.add(id);
    for (const id of removed) assert.ok(held.delete(id));
  }
  assert.deepEqual(
    [...held],
    loop.list().frames.map(({ id }) => id),
  );
  loop.add(pictureAt(101, jpegOf(1, 1001)));
  assert.ok(!loop.list().frames.some(({ position }) => position === 101));
});

test('a still that is replaced on disk is kept again and again, though its place is always the first', () => {
  const { loop } = loopOf();
  for (const shade of [1, 2, 2, 3]) loop.add(pictureAt(0, jpegOf(shade)));
  assert.equal(loop.list().frames.length, 3);
});

test('the loop is emptied when the mask or the size changes', () => {
  const { loop, changes } = loopOf();
  loop.add(pictureAt(1, jpegOf(1), { mask: 'a'.repeat(16) }));
  loop.add(pictureAt(2, jpegOf(2), { mask: 'b'.repeat(16) }));
  assert.deepEqual(
    loop.list().frames.map(({ position }) => position),
    [2],
  );
  assert.deepEqual(changes[1], { added: [], removed: [changes[0]!.added[0]!.id], revision: 2 });
  assert.deepEqual(
    changes.map(({ revision }) => revision),
    [1, 2, 3],
  );
  assert.equal(loop.list().revision, 3);
});

test('a picture at a known place with other pixels replaces the one before, under another id', () => {
  const { loop, changes } = loopOf();
  loop.add(pictureAt(5, jpegOf(1)));
  loop.add(pictureAt(5, jpegOf(2)));
  const id = loop.list().frames[0]!.id;
  assert.equal(loop.list().frames.length, 1);
  assert.notEqual(id, changes[0]!.added[0]!.id);
  assert.equal(loop.picture(id)?.jpeg[0], 2);
  assert.equal(loop.picture(changes[0]!.added[0]!.id), undefined);
});

test('from the third round on a frame need not be encoded, and another clip’s frame at its place has to be', () => {
  const { loop } = loopOf();
  const encode = (shade: number) => {
    const frame = frameAt(7, shade);
    const recalled = loop.recall(frame);
    const jpeg = recalled ?? jpegOf(shade);
    loop.add(pictureAt(7, jpeg));
    return { recalled: recalled !== undefined, shade: jpeg[0] };
  };
  assert.deepEqual([1, 1, 1].map(encode), [
    { recalled: false, shade: 1 },
    { recalled: false, shade: 1 },
    { recalled: true, shade: 1 },
  ]);
  assert.deepEqual([2, 2, 1].map(encode), [
    { recalled: false, shade: 2 },
    { recalled: true, shade: 2 },
    { recalled: false, shade: 1 },
  ]);
});

test('switched off, nothing is held', () => {
  for (const limits of [{ maxBytes: 0 }, { maxFrames: 0 }]) {
    const { loop, changes } = loopOf(limits);
    loop.add(pictureAt(1, jpegOf(1)));
    assert.equal(loop.enabled, false);
    assert.deepEqual([loop.list().frames, changes], [[], []]);
  }
});

test('a picture that comes in is said to follow the one before it in the list, whatever came before', () => {
  for (const maxFrames of [1, 3, 8]) {
    const { loop, changes } = loopOf({ maxFrames });
    for (let step = 0; step < 2000; step += 1) {
      const reported = changes.length;
      // Rounds of 6 with gaps, replaced pictures, and now and then another place.
      const position = 1 + ((step + (step % 37 === 0 ? 3 : 0)) % 6) + (step % 101 === 0 ? 50 : 0);
      if (step % 11 !== 0)
        loop.add(pictureAt(position, jpegOf((position + (step % 89 === 0 ? 1 : 0)) % 256)));
      const [added] = changes.length > reported ? changes.at(-1)!.added : [];
      if (!added) continue;
      const { frames } = loop.list();
      const at = frames.findIndex(({ id }) => id === added.id);
      assert.equal(added.after, frames[at - 1]?.id ?? null, `step ${step} of ${maxFrames}`);
    }
  }
});
