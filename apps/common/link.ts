/** libzmq tries a connection again at least this often. */
export const RECONNECT_MS = 500;
/** If libzmq is not connected and has tried nothing for this long, it never will. */
const GIVEN_UP_MS = 4 * RECONNECT_MS;
/** How often `due` has to be called. */
export const LOOK_MS = RECONNECT_MS;

/** A link that has been silent for this long is connected anew: playback repeats its frame every second while it waits. */
const SILENT_MS = 5000;
/** If that did not help, the next silence is twice as long, up to this. */
const LONGEST_SILENT_MS = 300_000;
/** A publisher that has paused for this long before may pause three times as long again. */
const PAUSES = 3;
/** A new connection after a silence counts as standing for this long, until its handshake is over. */
const RENEWAL_MS = 1000;

/** A link that was lost this often within this time is flapping. */
export const FLAPPING = { losses: 3, withinMs: 60_000 };
/** What is at the peer's port is looked at if there has been no connection for this long, and again after this long. */
const INSPECT_AFTER_MS = 1500;
const INSPECT_AGAIN_MS = 10_000;

/** What is known of the connection to a peer. */
export interface LinkState {
  /** Whether the transport to the peer stands; it does not mean that frames flow. */
  readonly connected: boolean;
  /** Why it does not, in words that go after the peer's address; undefined if that is not known, or it does. */
  readonly fault: string | undefined;
  /** Connections made after the first. */
  readonly reconnects: number;
  /** Connections lost within the last minute, if there were several. */
  readonly recentLosses: number;
}

export interface LinkEvents {
  /** A connection was made again. */
  reconnected(): void;
  /** The link was lost this often within a minute. */
  flapping(losses: number): void;
  /** There is no connection, for this reason; reported once until it changes. */
  unreachable(fault: string): void;
}

/**
 * Keeps track of the connection to a peer, from what libzmq and the receiver report, and decides when it has to be made
 * anew. All times are `performance.now()` milliseconds.
 *
 * ZMTP has heartbeats for this, but libzmq 4.3.5 aborts the process if one is missed while a receiver that does not
 * receive (a blocked event loop) has its queue full: "Assertion failed: _input_stopped". So the kernel's keepalive finds
 * a dead host, and silence finds what keepalive can't see, e.g. a middlebox that has forgotten the connection.
 */
export class Link {
  #connected = false;
  /** When libzmq last reported an attempt; infinite until it reports ours, because a resolver may be slow. */
  #triedMs = Number.POSITIVE_INFINITY;
  /** When the receiver last had a message or began to wait for one; undefined while it does neither. */
  #quietSinceMs: number | undefined;
  /** The last moment at which this process was known to run. */
  #awakeMs: number;
  #silentMs = SILENT_MS;
  #longestPauseMs = 0;
  /** Until when a renewed connection counts as standing without a handshake. */
  #renewedUntilMs = 0;
  /** Whether it was made anew for its silence, and nothing has been heard since. */
  #wasSilent = false;
  #connections = 0;
  /** When connections were lost, within the last minute. */
  #lossesMs: number[] = [];
  #downSinceMs: number;
  #inspectedMs = Number.NEGATIVE_INFINITY;
  #fault: string | undefined;
  /** Why what comes over a connection ends it, until something is heard. */
  #breach: string | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  readonly #events: LinkEvents | undefined;

  constructor(events?: LinkEvents, nowMs = performance.now()) {
    this.#events = events;
    this.#awakeMs = nowMs;
    this.#downSinceMs = nowMs;
  }

  /** Whether the transport to the peer stands; it does not mean that frames flow. */
  connected(nowMs = performance.now()): boolean {
    return (this.#connected && this.#breach === undefined) || nowMs < this.#renewedUntilMs;
  }

  state(nowMs = performance.now()): LinkState {
    const connected = this.connected(nowMs);
    const losses = this.#recentLosses(nowMs).length;
    return {
      connected,
      fault: connected ? undefined : (this.#breach ?? this.#fault),
      reconnects: Math.max(0, this.#connections - 1),
      recentLosses: losses >= FLAPPING.losses && this.#breach === undefined ? losses : 0,
    };
  }

  /** libzmq tries to connect, or has lost a connection. */
  tried(nowMs = performance.now()): void {
    if (this.#connected) this.#lost(nowMs);
    this.#connected = false;
    this.#triedMs = nowMs;
  }

  handshaken(nowMs = performance.now()): void {
    this.#connected = true;
    this.#renewedUntilMs = 0;
    this.#fault = undefined;
    this.#inspectedMs = Number.NEGATIVE_INFINITY;
    this.#connections += 1;
    if (this.#connections > 1) this.#events?.reconnected();
    if (this.#quietSinceMs !== undefined) this.#quietSinceMs = nowMs;
  }

  #lost(nowMs: number): void {
    this.#downSinceMs = nowMs;
    this.#lossesMs = [...this.#recentLosses(nowMs), nowMs];
    if (this.#lossesMs.length >= FLAPPING.losses && this.#breach === undefined)
      this.#events?.flapping(this.#lossesMs.length);
  }

  #recentLosses(nowMs: number): number[] {
    return this.#lossesMs.filter(ms => nowMs - ms < FLAPPING.withinMs);
  }

  /** Returns whether it is time to look at what is at the peer's port. */
  dueInspection(nowMs = performance.now()): boolean {
    if (this.connected(nowMs) || nowMs - this.#downSinceMs < INSPECT_AFTER_MS) return false;
    if (nowMs - this.#inspectedMs < INSPECT_AGAIN_MS) return false;
    this.#inspectedMs = nowMs;
    return true;
  }

  /** Notes why there is no connection. */
  found(fault: string): void {
    if (this.#connected || fault === this.#fault) return;
    this.#fault = fault;
    this.#events?.unreachable(fault);
  }

  /** Returns whether it is time to look whether what comes over connections ends them: they are lost, and nobody knows why. */
  dueLook(nowMs = performance.now()): boolean {
    if (this.#breach !== undefined) return false;
    if (this.#recentLosses(nowMs).length < FLAPPING.losses - 1) return false;
    if (nowMs - this.#lookedMs < INSPECT_AGAIN_MS) return false;
    this.#lookedMs = nowMs;
    return true;
  }

  /** Notes why what comes over a connection ends it. */
  breached(breach: string): void {
    this.#breach = breach;
    this.#events?.unreachable(breach);
  }

  /** The receiver waits for a message. */
  waits(nowMs = performance.now()): void {
    this.#quietSinceMs = nowMs;
  }

  /** The receiver has a message. */
  heard(nowMs = performance.now()): void {
    // A process that was suspended meanwhile has not seen a pause.
    const pauseMs = Math.min(nowMs, this.#awakeMs + 2 * LOOK_MS) - (this.#quietSinceMs ?? nowMs);
    this.#longestPauseMs = Math.max(this.#longestPauseMs, pauseMs);
    this.#silentMs = SILENT_MS;
    this.#quietSinceMs = undefined;
    this.#breach = undefined;
    if (!this.#wasSilent) return;
    // The new connection brings what the old one did not.
    this.#wasSilent = false;
    this.#lost(nowMs);
  }

  /**
   * Returns why the connection has to be made anew now, if it has: libzmq has given up (after a breach of the protocol, or
   * while a server says nothing), or the link is silent.
   */
  due(nowMs = performance.now()): 'given-up' | 'silent' | undefined {
    // A process that did not run has heard nothing, which says nothing about the link.
    if (nowMs - this.#awakeMs > 2 * LOOK_MS && this.#quietSinceMs !== undefined) this.#quietSinceMs = nowMs;
    this.#awakeMs = nowMs;
    if (!this.#connected) {
      if (nowMs - this.#triedMs < GIVEN_UP_MS) return undefined;
      this.#triedMs = Number.POSITIVE_INFINITY;
      return 'given-up';
    }
    const patienceMs = Math.max(this.#silentMs, PAUSES * this.#longestPauseMs);
    if (this.#quietSinceMs === undefined || nowMs - this.#quietSinceMs < patienceMs) return undefined;
    this.#silentMs = Math.min(2 * this.#silentMs, LONGEST_SILENT_MS);
    this.#connected = false;
    this.#wasSilent = true;
    this.#downSinceMs = nowMs;
    this.#renewedUntilMs = nowMs + RENEWAL_MS;
    this.#triedMs = nowMs;
    return 'silent';
  }
}
