import { setTimeout as sleep } from 'node:timers/promises';
import { Subscriber, XPublisher } from 'zeromq';
import { onAbort } from './abort.ts';
import { address, cannotConnect, type Endpoint, isIpv6, listenWhenFree, secretVariable } from './endpoint.ts';
import { OUT_OF_DESCRIPTORS_REMEDY } from './errors.ts';
import { MAX_MESSAGE_BYTES } from './frame.ts';
import { GREETS_AND_HANGS, inspectPeer } from './inspect-peer.ts';
import { Link, type LinkEvents, type LinkState, LOOK_MS, RECONNECT_MS } from './link.ts';
import { bindSafely, watchListener } from './listener.ts';
import { trimMalloc } from './malloc.ts';
import { longestRefused, tooLong } from './memory.ts';
import { oversizeMessage } from './oversize-message.ts';
import { framePassed, release } from './reclaim.ts';
import { USERNAME } from './secret.ts';
import { watchSubscribers } from './stalled-subscribers.ts';
import { Topics } from './topics.ts';
import { GROWTH_LOOK_MS, UnfinishedMessage } from './unfinished-message.ts';
import { guard } from './zap.ts';

/** Messages from a peer, each as its parts; a frame has one. Iteration ends when the signal that owns the source is aborted. */
export interface FrameSource extends AsyncIterable<readonly Buffer[]> {
  /** Whether the transport to the peer stands; it does not mean that frames flow. */
  readonly connected: boolean;
  /** What else is known of it; none if the source is not a network. */
  readonly link?: LinkState;
  /** Longer messages are no frames to this service; none if its memory sets no limit. */
  readonly longestBytes?: number;
}

/** A peer that tried to subscribe. */
export interface PublisherEvents {
  /** @param why in words, with the peer's address */
  refused(why: string): void;
}

/** Where frames go. Sending never waits for a subscriber. */
export interface FrameSink {
  /** Sends the message without a copy: its bytes must not change afterwards. */
  send(message: Uint8Array): Promise<void>;
}

/** Long enough for a last frame to leave on loopback, short enough to stop within a second. */
const LINGER_MS = 200;

/**
 * The longest message that a publisher takes: a handshake is 27 bytes, and with a secret 12 more than the secret; a
 * subscription to everything is 1 or 10. Without a limit, one endless message fills the memory of the service. A tight one
 * bounds what libzmq keeps of each subscription: 40 times its bytes.
 */
const longestSubscription = (secret = ''): number => Math.max(64, 12 + secret.length);

/** Messages that may wait for us, besides what the kernel buffers. With one, a process short of CPU never catches up. */
const HIGH_WATER_MARK = 2;

/**
 * What a publisher keeps of a connection, each way: one frame that waits to be sent, so that a stalled subscriber costs a
 * frame and never a queue; and the fewest messages that can be received, so that a flood of them waits in the kernel. With a
 * secret, libzmq counts the name of the user as one that is never read.
 *
 * libzmq's conflation would keep the newer of two frames, but also only the last of several subscriptions.
 */
const WAITING = { sendHighWaterMark: 1, receiveHighWaterMark: 2 };

/** The kernel asks a silent peer once a second whether it is still there, and drops the link after three questions. */
const KEEPALIVE = { tcpKeepalive: 1, tcpKeepaliveIdle: 1, tcpKeepaliveInterval: 1, tcpKeepaliveCount: 3 };
/** A subscriber that acknowledges nothing for this long is dropped; the kernel's own limit is 15 minutes. */
const UNACKNOWLEDGED_MS = 30_000;
/** libzmq tries to connect several times within this time. */
const UNANSWERED_MS = 2000;
/** A connection without a handshake is dropped after this long, so that silent ones do not use up descriptors. */
const HANDSHAKE_MS = 5000;

/**
 * Publishes on an endpoint until `signal` is aborted.
 *
 * With a secret, only subscribers that know it are sent anything; the mechanism is PLAIN, see `zap.ts`.
 *
 * @throws Fault `cannot-listen`
 */
export async function publish(
  endpoint: Endpoint,
  signal: AbortSignal,
  events: PublisherEvents = { refused() {} },
): Promise<FrameSink> {
  const { secret } = endpoint;
  if (secret !== undefined) {
    const refused = (peer: string) => events.refused(`a subscriber from ${peer} has another secret`);
    await guard(address(endpoint), { secret, refused }, signal);
  }
  const socket = new XPublisher({
    ...(secret !== undefined && { plainServer: true, zapDomain: address(endpoint), zapEnforceDomain: true }),
    ...WAITING,
    linger: LINGER_MS,
    ipv6: isIpv6(endpoint),
    maxMessageSize: longestSubscription(secret),
    ...KEEPALIVE,
    tcpMaxRetransmitTimeout: UNACKNOWLEDGED_MS,
    handshakeInterval: HANDSHAKE_MS,
  });
  if (secret !== undefined) {
    // A subscriber without a secret may notice first that they do not match, and leave.
    for (const event of ['handshake:error:protocol', 'handshake:error:other'] as const) {
      socket.events.on(event, ({ address: peer }) =>
        events.refused(`a subscriber at ${peer} offers no secret, or is none`),
      );
    }
  }
  try {
    await listenWhenFree(endpoint, signal, () => bindSafely(socket, address(endpoint)));
  } catch (thrown) {
    socket.close();
    throw thrown;
  }
  onAbort(signal, () => socket.close());
  const listener = watchListener(socket, signal, () =>
    events.refused(`a subscriber of ${address(endpoint)} cannot be accepted: ${OUT_OF_DESCRIPTORS_REMEDY}`),
  );
  const topics = new Topics(socket);
  const dropAll = (why: string) => {
    events.refused(why);
    void listener.dropAll().then(() => topics.clear());
  };
  watchSubscribers(socket, signal, () =>
    dropAll(
      `subscribers of ${address(endpoint)} do not take their frames, and memory runs out; all were disconnected and may ` +
        'connect again. Find out who they are, or give this service more memory',
    ),
  );
  return {
    async send(message) {
      if (signal.aborted || listener.isRebinding) return;
      await socket.send(message);
      framePassed(message.byteLength);
      if (!(await topics.isAbused()) || signal.aborted) return;
      dropAll(
        `a subscriber of ${address(endpoint)} sends more than subscriptions, or too many; all were disconnected and may ` +
          'connect again. Subscribe once, to everything',
      );
    },
  };
}

/**
 * Subscribes to a peer that may not be there yet, or come and go. libzmq connects again by itself; if it has given up, or
 * the link is silent for too long, we do.
 *
 * Yields only the newest message that has arrived; skipped ones show up as gaps in the sequence. This is not libzmq's
 * conflation, which aborts the process at a message of several parts.
 * If a message is longer than any frame may be, libzmq drops the connection before it reads the bytes. It limits the size
 * of each message part but not how many there are: a message of parts without end is dropped for what this process grows by.
 */
export function subscribe(
  endpoint: Endpoint,
  signal: AbortSignal,
  longestBytes = MAX_MESSAGE_BYTES,
  events?: LinkEvents,
): FrameSource {
  const peer = address(endpoint);
  const maxMessageSize = Math.min(longestRefused(longestBytes), MAX_MESSAGE_BYTES);
  const socket = new Subscriber({
    receiveHighWaterMark: HIGH_WATER_MARK,
    ipv6: isIpv6(endpoint),
    linger: 0,
    // Above the limit, so that a message that is somewhat too long is refused with a reason instead of cutting the link.
    maxMessageSize,
    reconnectInterval: 50,
    reconnectMaxInterval: RECONNECT_MS,
    ...KEEPALIVE,
    ...(endpoint.secret !== undefined && { plainUsername: USERNAME, plainPassword: endpoint.secret }),
  });
  const link = new Link(events);
  for (const event of ['connect', 'connect:delay', 'connect:retry', 'disconnect'] as const) {
    socket.events.on(event, () => link.tried());
  }
  socket.events.on('handshake', () => link.handshaken());
  socket.events.on('handshake:error:auth', () =>
    link.found(
      endpoint.secret === undefined
        ? 'it takes nothing from this host; look at who may connect there (ZAP)'
        : `it refuses the secret in ${secretVariable(endpoint)}`,
    ),
  );
  try {
    socket.connect(peer);
  } catch (thrown) {
    socket.close();
    throw cannotConnect(endpoint, thrown);
  }
  socket.subscribe();
  const disconnect = () => {
    try {
      socket.disconnect(peer);
    } catch {
      // libzmq has forgotten the peer already.
    }
  };
  const inspect = async () => {
    let fault = await inspectPeer(endpoint, signal);
    if (fault === undefined && endpoint.secret !== undefined) {
      // Only libzmq, which sends the secret, learns whether such a peer goes on after its greeting.
      await sleep(UNANSWERED_MS, undefined, { ref: false });
      fault = GREETS_AND_HANGS;
    }
    if (fault !== undefined && !signal.aborted) link.found(fault);
  };
  const unfinished = new UnfinishedMessage(longestBytes, maxMessageSize);
  let pausing: NodeJS.Timeout | undefined;
  const looking = setInterval(() => {
    if (pausing) return;
    if (link.dueLook()) {
      void oversizeMessage(endpoint, maxMessageSize, signal).then(bytes => {
        if (bytes !== undefined) link.breached(`it sends ${tooLong(bytes, longestBytes)}`);
      });
    }
    if (link.dueInspection()) void inspect();
    if (!link.due()) return;
    disconnect();
    socket.connect(peer);
  }, LOOK_MS);
  const leave = (sent: string) => {
    disconnect();
    link.breached(`it sent ${sent}, so the connection was ended; look for what publishes there`);
    link.tried();
    pausing ??= setTimeout(async () => {
      await trimMalloc();
      if (signal.aborted) return;
      pausing = undefined;
      socket.connect(peer);
    }, unfinished.pauseMs());
  };
  const watching = setInterval(() => {
    if (!pausing && unfinished.grows()) leave('a message that does not end');
  }, GROWTH_LOOK_MS);
  onAbort(signal, () => {
    clearInterval(looking);
    clearInterval(watching);
    clearTimeout(pausing);
    socket.close();
  });
  return {
    get connected() {
      return link.connected();
    },
    get link() {
      return link.state();
    },
    longestBytes,
    async *[Symbol.asyncIterator]() {
      let passedOver = 0;
      link.waits();
      for await (const parts of socket) {
        link.heard();
        const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
        const wrong = unfinished.heard(parts.length, bytes);
        if (wrong !== undefined) {
          // What refuses it needs only the number of parts.
          for (const part of parts) release({ message: part });
          leave(wrong);
        }
        // Even if a peer sends faster than we read, some of it has to be yielded.
        if (socket.readable && passedOver < HIGH_WATER_MARK) {
          passedOver += 1;
        } else {
          passedOver = 0;
          yield parts;
        }
        framePassed(bytes);
        link.waits();
      }
    },
  };
}
