import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCanvas } from 'canvas';
import { frameOf, settle } from '../../tests/support/feed.ts';
import { LivePicture } from './live-picture.ts';
import type { Picture } from './picture.ts';
import { readPicture } from './relay/received-picture.ts';

/** A live picture whose encoders finish when the test says so, and return the shade that they then read. */
function bench() {
  const encoding: PromiseWithResolvers<void>[] = [];
  const prompt: boolean[] = [];
  const live = new LivePicture(
    () => ({
      async encode({ pixels }) {
        const turn = Promise.withResolvers<void>();
        encoding.push(turn);
        await turn.promise;
        return Buffer.from(pixels.subarray(0, 1));
      },
      [Symbol.dispose]() {},
    }),
    { made: (_, asked) => prompt.push(asked), replaced() {}, failed() {} },
  );
  return { live, encoding, prompt, [Symbol.dispose]: () => live[Symbol.dispose]() };
}

test('a frame that nobody asked for is held until a newer one comes, and no longer', () => {
  using made = bench();
  const { live } = made;
  const [first, second] = [frameOf(1), frameOf(2)];
  live.take(first, false);
  assert.notEqual(first.message.length, 0);
  live.take(second, false);
  assert.equal(first.message.length, 0);
  assert.notEqual(second.message.length, 0);
});

test('a frame is held while it is encoded, however many come meanwhile, and no longer', async () => {
  using made = bench();
  const { live, encoding } = made;
  const frame = frameOf(7);
  live.take(frame, false);
  const still = live.still();
  for (const shade of [8, 9, 10]) live.take(frameOf(shade), false);
  await settle();
  assert.notEqual(frame.message.length, 0);
  encoding[0]!.resolve();
  assert.deepEqual((await still)?.jpeg, Buffer.of(7));
  await settle();
  assert.equal(frame.message.length, 0);
});

test('a frame that waited for an encoder is held until a newer one takes its place, and no longer', async () => {
  using made = bench();
  const { live, encoding } = made;
  const frames = [1, 2, 3, 4].map(frameOf);
  for (const frame of frames) live.take(frame, true);
  await settle();
  assert.deepEqual(
    frames.map(frame => frame.message.length > 0),
    [true, true, false, true],
  );
  for (const wait of [0, 1, 2]) {
    encoding[wait]!.resolve();
    await settle();
  }
  assert.equal(live.made?.jpeg[0], 4);
});

test('a new viewer is shown no picture of a clip before, though its frame had the same number', async () => {
  using made = bench();
  const { live, encoding } = made;
  const shown = async (shade: number) => {
    live.take(frameOf(shade), false);
    const still = live.still();
    await settle();
    encoding.shift()!.resolve();
    return (await still)?.jpeg[0];
  };
  assert.equal(await shown(1), 1);
  // Both are number 0 of a playback.
  assert.equal(await shown(2), 2);
});

test('a picture is prompt if somebody wanted it as it came, and not if it was asked for later', async () => {
  using made = bench();
  const { live, encoding, prompt } = made;
  live.take(frameOf(1), false);
  const still = live.still();
  await settle();
  encoding[0]!.resolve();
  await still;
  live.take(frameOf(2), true);
  await settle();
  encoding[1]!.resolve();
  await settle();
  assert.deepEqual(prompt, [false, true]);
});

test('a still of a frame that did not encode is answered, each time that it is asked for', async () => {
  using made = bench();
  const { live, encoding } = made;
  live.take(frameOf(1), false);
  const first = live.still();
  encoding[0]!.reject(new Error('no'));
  assert.equal(await first, undefined);
  assert.equal(await live.still(), undefined);
});

test('a still whose frame is replaced while it waits for an encoder shows the newer one', async () => {
  using made = bench();
  const { live, encoding } = made;
  for (const shade of [1, 2, 3]) live.take(frameOf(shade), true);
  const still = live.still();
  live.take(frameOf(4), true);
  for (const wait of [0, 1, 2]) {
    await settle();
    encoding[wait]!.resolve();
  }
  assert.equal((await still)?.jpeg[0], 4);
});

test('a picture whose frame has the largest of all values is one that a relay takes', async () => {
  const jpeg = createCanvas(8, 8).toBuffer('image/jpeg');
  const pictures: Picture[] = [];
  using live = new LivePicture(() => ({ encode: async () => jpeg, [Symbol.dispose]() {} }), {
    made: picture => pictures.push(picture),
    replaced() {},
    failed() {},
  });
  const most = 2n ** 64n - 1n;
  const frame = frameOf(1);
  const stamp = { sequence: most, publishedAtNs: most, positionUs: most, validAtMs: 8.64e15, mask: most };
  live.take({ ...frame, stamp, redacted: true }, true);
  await settle();
  const part = pictures[0]!.relayPart.toString('latin1').split('\r\n\r\n')[0]!;
  const headers = new Map(
    [...part.matchAll(/^([\w-]+): (.*)$/gm)].map(([, name, value]) => [name!.toLowerCase(), value!.trim()]),
  );
  assert.deepEqual(readPicture(headers, jpeg, false).ok, true, part);
});
