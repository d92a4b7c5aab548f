import type { Frame, Stamp } from '../common/frame.ts';
import { FlowHealth, type Health, type Verdict } from '../common/health.ts';
import type { LinkState } from '../common/link.ts';
import { SequenceGaps } from '../common/sequence.ts';
import { isPlausible, rawAgeMs } from '../common/stamp-age.ts';
import { Blankness } from './blankness.ts';
import type { PictureFacts, SourceState } from './messages.ts';

/** The card's title for each state; the card has room for a few words and the sentence. */
export const TITLES: Record<SourceState, string> = {
  waiting: 'Waiting for imagery',
  live: 'Live',
  stalled: 'No signal',
  disconnected: 'No signal',
  refusing: 'Not shown',
  ended: 'The clip has ended',
};

export interface SourceView {
  state: SourceState;
  /** One sentence for people. */
  message: string;
}

/** What is known of the newest frame besides its pixels. */
export type FrameFacts = Pick<Frame, 'width' | 'height' | 'format' | 'stamp'>;

/** Returns when a frame's picture was taken, and the mask in force, as messages carry them. */
export function originOf(stamp: Frame['stamp']): Pick<PictureFacts, 'validAt' | 'mask'> {
  return { validAt: stamp?.validAtMs || null, mask: stamp?.mask ? hex64(stamp.mask) : null };
}

/** Returns a field of a frame as a number; null if it is so large that digits would be lost, and relays refuse it. */
export const exactNumber = (value: bigint): number | null =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;

const hex64 = (value: bigint): string => value.toString(16).padStart(16, '0');

/** What a frame turned out to be on arrival. */
export interface Arrival {
  /**
   * `repeat`: the same picture as the frame before, sent again while playback waits. `out-of-order`: older than one that has
   * been shown. `doubtful`: its sequence cannot be true, unless the next one goes on from there; it is not shown.
   */
  kind: 'new' | 'repeat' | 'out-of-order' | 'doubtful';
  /** Frames that were published and never arrived, by the gap in the sequence. */
  missed: number;
  /** Values that cannot be true, and so are not added to anything. */
  implausible: Implausible[];
}

export type Implausible = 'sequence' | 'clock';

/** For this long an older frame than the last one is out of order; after that, its publisher has started again. */
const OUT_OF_ORDER_MS = 1500;
/** The same for a frame that was published later: no publisher starts again in less, unless its sequence is at its beginning. */
const RESTART_MS = 500;
const FIRST_SEQUENCES = 1n;
/** A picture that is older than this when it comes is not called live. */
const LATE_MS = 3000;

/** Knows the state of one source of frames. Times are `performance.now()` milliseconds. */
export class Source implements Health {
  readonly address: string;
  readonly #connected: () => boolean;
  readonly #link: () => LinkState | undefined;
  /** Why no picture may be shown, whatever comes. */
  readonly withheld: string | undefined;
  readonly #flow: FlowHealth;
  readonly #gaps = new SequenceGaps();
  readonly #blankness = new Blankness();
  #newest: FrameFacts | undefined;
  #pictureSequence: number | null = null;
  #ended = false;
  /** The sentence of the last notice, if that is the last thing that was refused. */
  #notice: string | undefined;
  /** How far the publisher's clock is behind ours, in milliseconds, while that is implausible. */
  #clockBehindMs: number | null = null;
  /** The age of the newest frame when it came, if that is plausible. */
  #ageMs = 0;
  #shown: { stamp: Stamp; atMs: number } | undefined;
  /** The first of the sequences that cannot be true and of which no other frame has shown that they are not. */
  #doubted: bigint | undefined;

  /**
   * @param address where the frames come from, for people
   * @param connected whether the transport to there is up
   * @param link what else is known of it
   * @param withheld why no picture may be shown, whatever comes
   */
  constructor(
    address: string,
    connected: () => boolean,
    link: () => LinkState | undefined = () => undefined,
    withheld?: string,
  ) {
    this.withheld = withheld;
    this.#link = link;
    this.address = address;
    this.#connected = connected;
    this.#flow = new FlowHealth(
      'visualizer',
      `frames from the redactor at ${address}`,
      connected,
      () => link()?.fault,
    );
  }

  get connected(): boolean {
    return this.#connected();
  }

  /** What is known of the link besides whether it is up. */
  get link(): { reconnects: number; recentLosses: number; fault: string | null } {
    const { reconnects = 0, recentLosses = 0, fault = null } = this.#link() ?? {};
    return { reconnects, recentLosses, fault };
  }

  /** The newest frame that may be shown, without its pixels. */
  get newest(): FrameFacts | undefined {
    return this.#newest;
  }

  /** The sequence of the newest picture, which is not that of a repeat. */
  get pictureSequence(): number | null {
    return this.#pictureSequence;
  }

  get lastFrameMs(): number | undefined {
    return this.#flow.lastMs;
  }

  /** Takes note of a frame that may be shown. */
  arrived(frame: Frame, nowMs = performance.now()): Arrival {
    const { width, height, format, stamp } = frame;
    if (stamp && this.#isOutOfOrder(stamp, nowMs))
      return { kind: 'out-of-order', missed: 0, implausible: [] };
    const missed = stamp ? this.#gaps.missedBefore(stamp.sequence, nowMs) : 0;
    const implausible: Implausible[] = missed === undefined ? ['sequence'] : [];
    if (stamp && this.#isDoubtful(stamp, missed)) return { kind: 'doubtful', missed: 0, implausible };
    const kind = frame.repeat && isSamePicture(this.#newest, frame) ? 'repeat' : 'new';
    this.#newest = { width, height, format, stamp };
    if (kind === 'new') this.#pictureSequence = stamp ? exactNumber(stamp.sequence) : null;
    this.#ended = frame.ended;
    this.#flow.flowed(nowMs);
    this.#blankness.look(frame, nowMs);
    if (!stamp) return { kind, missed: 0, implausible: [] };
    this.#shown = { stamp, atMs: nowMs };
    const age = rawAgeMs(stamp);
    this.#clockBehindMs = isPlausible(age) ? null : Math.round(age);
    this.#ageMs = isPlausible(age) ? age : 0;
    if (this.#clockBehindMs !== null) implausible.push('clock');
    return { kind, missed: missed ?? 0, implausible };
  }

  /** How far the publisher's clock is behind ours, in milliseconds; negative if it is ahead, null if they agree. */
  get clockBehindMs(): number | null {
    return this.#clockBehindMs;
  }

  /** Whether the picture has had one colour throughout for a while; null if that is not known. */
  get blank(): boolean | null {
    return this.#blankness.blank;
  }

  /** Takes note of a message that may not be shown. `detail` matters if it is a notice: it says why there is no frame. */
  refused(reason: string, detail: string, nowMs = performance.now()): void {
    this.#notice = reason === 'withheld' ? detail : undefined;
    // What the redactor withholds from now on is counted there, and not lost on the way here.
    if (this.#notice !== undefined) this.#gaps.forget();
    this.#flow.refused(reason, nowMs);
  }

  /** Returns the state at a moment, and a sentence that explains it. */
  view(nowMs = performance.now()): SourceView {
    if (this.withheld !== undefined) return { state: 'refusing', message: this.withheld };
    const { address } = this;
    const { fault, recentLosses } = this.link;
    if (!this.#flow.stalled(nowMs)) {
      const message = liveMessage(this.#clockBehindMs, this.#ageMs);
      const flapping = ` The link to ${address} was lost ${recentLosses} times within a minute.`;
      return { state: 'live', message: recentLosses > 0 ? message + flapping : message };
    }
    const reason = this.#flow.refusing(nowMs);
    if (reason === 'unmarked') {
      return {
        state: 'refusing',
        message:
          `What ${address} sends is not marked as redacted, so it is not shown. Point REDACTOR_HOST and REDACTOR_PORT ` +
          'at the redactor, or set ALLOW_UNMARKED_FRAMES=1 if a redactor of another make stands there.',
      };
    }
    if (reason !== undefined && this.#notice !== undefined) {
      return { state: 'refusing', message: `There is no picture: ${this.#notice}` };
    }
    if (reason !== undefined) {
      return {
        state: 'refusing',
        message: `What ${address} sends is not a frame that can be shown: ${reason}.`,
      };
    }
    if (this.#ended) {
      return {
        state: 'ended',
        message: 'The clip has ended. PLAYBACK_LOOP=true plays it again and again.',
      };
    }
    const { connected } = this;
    if (this.#flow.lastMs === undefined) {
      const message = connected ? 'connected; no frame to show has come yet' : (fault ?? 'not connected yet');
      return { state: 'waiting', message: `Waiting for the redactor at ${address}: ${message}.` };
    }
    if (!connected) {
      const why = fault === null ? '' : ` (${fault})`;
      return {
        state: 'disconnected',
        message: `The redactor at ${address} is gone${why}; connecting again.`,
      };
    }
    return {
      state: 'stalled',
      message: `The redactor at ${address} is connected but sends no frames; is playback running?`,
    };
  }

  /** A publisher that starts again counts from the beginning, its frames are published later, and it takes its time. */
  #isOutOfOrder({ sequence, publishedAtNs }: Stamp, nowMs: number): boolean {
    const last = this.#shown;
    if (last === undefined || sequence > last.stamp.sequence) return false;
    const sinceMs = nowMs - last.atMs;
    const isLater = publishedAtNs > last.stamp.publishedAtNs || publishedAtNs === 0n;
    if (!isLater) return sinceMs < OUT_OF_ORDER_MS;
    return sequence > FIRST_SEQUENCES && sequence < last.stamp.sequence && sinceMs < RESTART_MS;
  }

  /** Returns whether a frame must wait for another one to bear its sequence out. */
  #isDoubtful({ sequence }: Stamp, missed: number | undefined): boolean {
    if (missed !== undefined) {
      this.#doubted = undefined;
      return false;
    }
    if (this.#doubted !== undefined && sequence > this.#doubted) return false;
    this.#doubted = sequence;
    return true;
  }

  alive(): Verdict {
    return this.#flow.alive();
  }

  ready(nowMs = performance.now()): Verdict {
    if (this.withheld !== undefined) return { ok: false, message: this.withheld };
    if (this.view(nowMs).state === 'ended') return { ok: false, message: 'the clip has ended' };
    return this.#flow.ready(nowMs);
  }
}

function liveMessage(clockBehindMs: number | null, ageMs: number): string {
  if (clockBehindMs === null && ageMs < LATE_MS) return 'The picture is live.';
  if (clockBehindMs === null) {
    const seconds = Math.round(ageMs / 1000);
    return `Frames arrive ${seconds} s after they were published: a link is slow, or playback's clock is behind ours.`;
  }
  return `Frames arrive, but playback's clock is ${clockDifference(clockBehindMs)} ours, so their age is not known.`;
}

/** A repeat whose original was dropped on the way is a new picture to us. */
function isSamePicture(newest: FrameFacts | undefined, { width, height, stamp }: Frame): boolean {
  return (
    newest?.width === width &&
    newest.height === height &&
    newest.stamp !== undefined &&
    stamp !== undefined &&
    newest.stamp.positionUs === stamp.positionUs &&
    newest.stamp.validAtMs === stamp.validAtMs &&
    newest.stamp.mask === stamp.mask
  );
}

/** Returns how far a clock is off, in words that end before the name of the other. */
export function clockDifference(behindMs: number): string {
  return `${Math.round(Math.abs(behindMs) / 1000)} s ${behindMs > 0 ? 'behind' : 'ahead of'}`;
}
