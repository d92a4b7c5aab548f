/** What the tests of a feed share: frames of one shade, and a feed whose encoders finish when the test says so. */
import assert from 'node:assert/strict';
import { FrameLayout, parseFrame } from '../../apps/common/frame.ts';
import { Feed } from '../../apps/visualizer/feed.ts';
import { Source } from '../../apps/visualizer/source.ts';
import { Telemetry } from '../../apps/visualizer/telemetry.ts';

/** A frame of 8×8 pixels, all of one shade. */
export function frameOf(shade: number) {
  const layout = new FrameLayout('i420', 8, 8);
  const { pixelOffset, pixelBytes } = layout;
  const frame = parseFrame(layout.allocate().fill(shade, pixelOffset, pixelOffset + pixelBytes));
  assert.ok(frame.ok);
  return frame;
}

/** A feed that nobody watches. Its encoders return the shade that they read once `finish` lets them. */
export function feedFor({
  connected = true,
  peer = 'tcp://127.0.0.1:1',
  loop = { maxBytes: 0, maxFrames: 0 },
  places = { max: 1, perAddress: 1, perUser: 1, heldBytes: Number.POSITIVE_INFINITY },
} = {}) {
  const encoding: PromiseWithResolvers<void>[] = [];
  const failures: unknown[] = [];
  const telemetry = new Telemetry();
  const source = new Source(peer, () => connected);
  const feed = new Feed(
    source,
    telemetry,
    {
      places,
      releaseMs: 1000,
      loop,
      sector: undefined,
      createEncoder: () => ({
        async encode({ pixels }) {
          const turn = Promise.withResolvers<void>();
          encoding.push(turn);
          await turn.promise;
          return Buffer.from(pixels.subarray(0, 1));
        },
        [Symbol.dispose]() {},
      }),
    },
    {
      changed() {},
      left() {},
      implausible() {},
      outOfOrder() {},
      blank() {},
      slow() {},
      encodeFailed: error => failures.push(error),
    },
  );
  return { feed, telemetry, encoding, failures, [Symbol.dispose]: () => feed[Symbol.dispose]() };
}

/** Lets everything run that is ready to. */
export const settle = () => new Promise(resolve => setImmediate(resolve));
