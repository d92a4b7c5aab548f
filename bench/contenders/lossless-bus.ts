import { Pull, Push } from 'zeromq';
import type { FrameSink, FrameSource } from '../../apps/common/bus.ts';
import { MAX_MESSAGE_BYTES } from '../../apps/common/frame.ts';
import { framePassed } from '../../apps/common/reclaim.ts';

/** Frames that may wait on each side of a socket, besides what the kernel buffers. */
const HIGH_WATER_MARK = 2;

/**
 * Publishes on a bus that waits for its subscriber. The services' bus drops by design, so a comparison of throughput can't
 * use it. This one has the same costs: TCP, framing, and one message a frame, sent without a copy.
 */
export async function publishLossless(port: number): Promise<FrameSink & Disposable> {
  const socket = new Push({ sendHighWaterMark: HIGH_WATER_MARK, linger: 1000 });
  await socket.bind(`tcp://127.0.0.1:${port}`);
  return {
    async send(message) {
      await socket.send(message);
      framePassed(message.byteLength);
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

/** @param ready awaited before each message is taken, so that its user need not drop either */
export function subscribeLossless(port: number, ready?: () => Promise<void>): FrameSource & Disposable {
  const socket = new Pull({
    receiveHighWaterMark: HIGH_WATER_MARK,
    maxMessageSize: MAX_MESSAGE_BYTES,
    linger: 0,
  });
  socket.connect(`tcp://127.0.0.1:${port}`);
  return {
    connected: true,
    async *[Symbol.asyncIterator]() {
      await ready?.();
      for await (const [message] of socket) {
        if (message) {
          yield [message];
          framePassed(message.byteLength);
        }
        await ready?.();
      }
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
