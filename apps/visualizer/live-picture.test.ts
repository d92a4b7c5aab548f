import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameLayout, parseFrame } from '../common/frame.ts';
import { Broadcast } from './broadcast.ts';
import { LivePicture } from './live-picture.ts';

function frameOf(shade: number) {
  const layout = new FrameLayout('i420', 8, 8);
  const { pixelOffset, pixelBytes } = layout;
  const frame = parseFrame(layout.allocate().fill(shade, pixelOffset, pixelOffset + pixelBytes));
  assert.ok(frame.ok);
  return frame;
}

/** A picture that nobody watches, with encoders that finish when the test says so and give the shade that they then read. */
function bench() {
  const finish: (() => void)[] = [];
  const prompt: boolean[] = [];
  const broadcast = new Broadcast(1, 1000, { skipped() {}, released() {} });
  const live = new LivePicture(
    'tcp://127.0.0.1:1',
    () => true,
    broadcast,
    () => async frame => {
      await new Promise<void>(resolve => finish.push(resolve));
      return Buffer.from(frame.pixels.subarray(0, 1));
    },
    { changed() {}, encoded: (_, wanted) => prompt.push(wanted), replaced() {}, failed() {} },
  );
  return { live, broadcast, finish, prompt, [Symbol.dispose]: () => broadcast[Symbol.dispose]() };
}

const settle = () => new Promise(resolve => setImmediate(resolve));

test('a frame that nobody asked for is held until a newer one comes, and no longer', () => {
  using made = bench();
  const { live } = made;
  const [first, second] = [frameOf(1), frameOf(2)];
  live.show(first);
  assert.notEqual(first.message.length, 0);
  live.show(second);
  assert.equal(first.message.length, 0);
  assert.notEqual(second.message.length, 0);
});

test('a frame is held while it is encoded, however many come meanwhile, and no longer', async () => {
  using made = bench();
  const { live, finish } = made;
  const frame = frameOf(7);
  live.show(frame);
  const still = live.still();
  for (const shade of [8, 9, 10]) live.show(frameOf(shade));
  await settle();
  assert.notEqual(frame.message.length, 0);
  finish[0]!();
  assert.deepEqual((await still)?.jpeg, Buffer.of(7));
  await settle();
  assert.equal(frame.message.length, 0);
});

test('a frame that waited for an encoder is held until a newer one takes its place, and no longer', async () => {
  using made = bench();
  const { live, finish } = made;
  const frames = [1, 2, 3, 4].map(frameOf);
  for (const frame of frames) {
    live.show(frame);
    live.newest();
  }
  await settle();
  assert.deepEqual(
    frames.map(frame => frame.message.length > 0),
    [true, true, false, true],
  );
  for (const wait of [0, 1, 2]) {
    finish[wait]!();
    await settle();
  }
  assert.equal(live.newest()?.jpeg[0], 4);
});

test('a new viewer is shown no picture of a clip before, though its frame had the same number', async () => {
  using made = bench();
  const { live, finish } = made;
  const shown = async (shade: number) => {
    live.show(frameOf(shade));
    const still = live.still();
    await settle();
    finish.shift()!();
    return (await still)?.jpeg[0];
  };
  assert.equal(await shown(1), 1);
  // Both are number 0 of a playback.
  assert.equal(await shown(2), 2);
});

test('a picture is prompt if somebody wanted it as it came, and not if it was asked for later', async () => {
  using made = bench();
  const { live, broadcast, finish, prompt } = made;
  live.show(frameOf(1));
  const still = live.still();
  await settle();
  finish[0]!();
  await still;
  broadcast.wanted = () => true;
  live.show(frameOf(2));
  await settle();
  finish[1]!();
  await settle();
  assert.deepEqual(prompt, [false, true]);
});
