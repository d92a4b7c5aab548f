import { Publisher, Subscriber } from 'zeromq';
import { onAbort } from './abort.ts';
import { address, cannotConnect, cannotListen, type Endpoint, isIpv6 } from './endpoint.ts';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { framePassed } from './reclaim.ts';

/**
 * Messages from a peer, each as its parts; a frame is one of a single part. Iteration ends when the signal that owns the
 * source is aborted.
 */
export interface FrameSource extends AsyncIterable<readonly Buffer[]> {
  /** Whether the transport to the peer stands at this moment; it says nothing of whether frames flow. */
  readonly connected: boolean;
}

/** Where frames go. Sending never waits for a subscriber. */
export interface FrameSink {
  /** Hands the message over without a copy: its bytes must not change afterwards. */
  send(message: Uint8Array): Promise<void>;
}

/** Long enough for a last frame to leave on loopback, short enough for the promise of a quick stop. */
const LINGER_MS = 200;

/**
 * The longest message that a publisher takes: a handshake is 27 bytes, a subscription to everything 1 or 10. Without a
 * limit, one endless message fills the memory of the service.
 */
const MAX_SUBSCRIPTION_BYTES = 255;

/** Messages that may wait for us, over what the kernel buffers. With one, a process short of CPU falls behind for good. */
const HIGH_WATER_MARK = 2;

/** libzmq tries again at least this often. */
const RECONNECT_MS = 500;
/** A libzmq that is not connected and has tried nothing for so long never will. */
const GIVEN_UP_MS = 4 * RECONNECT_MS;

/**
 * Publishes on an endpoint until `signal` is aborted.
 *
 * Conflation keeps one message for each subscriber: a newer frame replaces one that has not left yet, so a stalled
 * subscriber costs one frame and never a queue. It holds for what subscribers send, too.
 *
 * @throws Fault `cannot-listen`
 */
export async function publish(endpoint: Endpoint, signal: AbortSignal): Promise<FrameSink> {
  const socket = new Publisher({
    conflate: true,
    linger: LINGER_MS,
    ipv6: isIpv6(endpoint),
    maxMessageSize: MAX_SUBSCRIPTION_BYTES,
  });
  try {
    await socket.bind(address(endpoint));
  } catch (thrown) {
    socket.close();
    throw cannotListen(endpoint, thrown);
  }
  onAbort(signal, () => socket.close());
  return {
    async send(message) {
      if (signal.aborted) return;
      await socket.send(message);
      framePassed(message.byteLength);
    },
  };
}

/**
 * Subscribes to a peer that may not be there yet, or come and go: libzmq connects again by itself, and where it has given
 * up we do.
 *
 * Of messages that have arrived the newest is given; what it replaced, here or at the publisher, shows as a gap in the
 * sequence. It is not libzmq's conflation, which ends the process at a message of several parts.
 * A message longer than any frame may be makes libzmq drop the connection before the bytes are read. Of one in parts it
 * bounds each, and not their number: what holds a peer that never ends one is the container's limit of memory.
 */
export function subscribe(endpoint: Endpoint, signal: AbortSignal): FrameSource {
  const peer = address(endpoint);
  const socket = new Subscriber({
    receiveHighWaterMark: HIGH_WATER_MARK,
    ipv6: isIpv6(endpoint),
    linger: 0,
    maxMessageSize: MAX_MESSAGE_BYTES,
    reconnectInterval: 50,
    reconnectMaxInterval: RECONNECT_MS,
    heartbeatInterval: 1000,
    heartbeatTimeout: 3000,
  });
  let connected = false;
  /** When libzmq last told of an attempt; infinite until it tells of ours, which a slow resolver holds up. */
  let triedMs = Number.POSITIVE_INFINITY;
  for (const event of ['connect', 'connect:delay', 'connect:retry', 'disconnect'] as const) {
    socket.events.on(event, () => {
      connected = false;
      triedMs = performance.now();
    });
  }
  socket.events.on('handshake', () => {
    connected = true;
  });
  try {
    socket.connect(peer);
  } catch (thrown) {
    socket.close();
    throw cannotConnect(endpoint, thrown);
  }
  socket.subscribe();
  // After a breach of the protocol, as by a message that is too long or a peer that is no publisher, libzmq never tries
  // again; and for a server that says nothing it would wait 30 s.
  const watch = setInterval(() => {
    if (connected || performance.now() - triedMs < GIVEN_UP_MS) return;
    triedMs = Number.POSITIVE_INFINITY;
    try {
      socket.disconnect(peer);
    } catch {
      // It has forgotten the peer already.
    }
    socket.connect(peer);
  }, GIVEN_UP_MS / 4);
  onAbort(signal, () => {
    clearInterval(watch);
    socket.close();
  });
  return {
    get connected() {
      return connected;
    },
    async *[Symbol.asyncIterator]() {
      let passedOver = 0;
      for await (const parts of socket) {
        // A peer that sends faster than we read must not have us pass over everything.
        if (socket.readable && passedOver < HIGH_WATER_MARK) {
          passedOver += 1;
        } else {
          passedOver = 0;
          yield parts;
        }
        framePassed(parts.reduce((bytes, part) => bytes + part.byteLength, 0));
      }
    },
  };
}
