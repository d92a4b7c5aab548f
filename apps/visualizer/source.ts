import type { Frame } from '../common/frame.ts';
import { FlowHealth, type Health, type Verdict } from '../common/health.ts';
import { SequenceGaps } from '../common/sequence.ts';
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

const hex64 = (value: bigint): string => value.toString(16).padStart(16, '0');

/** What a frame turned out to be on arrival. */
export interface Arrival {
  /** The same picture as the frame before, sent again while playback waits. */
  repeat: boolean;
  /** Frames that were published and never arrived, by the gap in the sequence. */
  missed: number;
}

/** Knows the state of one source of frames. Times are `performance.now()` milliseconds. */
export class Source implements Health {
  readonly address: string;
  readonly #connected: () => boolean;
  readonly #flow: FlowHealth;
  readonly #gaps = new SequenceGaps();
  #newest: FrameFacts | undefined;
  #ended = false;

  /**
   * @param address where the frames come from, for people
   * @param connected whether the transport to there is up
   */
  constructor(address: string, connected: () => boolean) {
    this.address = address;
    this.#connected = connected;
    this.#flow = new FlowHealth('visualizer', `frames from the redactor at ${address}`, connected);
  }

  get connected(): boolean {
    return this.#connected();
  }

  /** The newest frame that may be shown, without its pixels. */
  get newest(): FrameFacts | undefined {
    return this.#newest;
  }

  get lastFrameMs(): number | undefined {
    return this.#flow.lastMs;
  }

  /** Takes note of a frame that may be shown. */
  arrived(frame: Frame, nowMs = performance.now()): Arrival {
    const { width, height, format, stamp } = frame;
    const repeat = frame.repeat && isSamePicture(this.#newest, frame);
    this.#newest = { width, height, format, stamp };
    this.#ended = frame.ended;
    this.#flow.flowed(nowMs);
    return { repeat, missed: stamp ? this.#gaps.missedBefore(stamp.sequence) : 0 };
  }

  /** Takes note of a message that may not be shown. */
  refused(reason: string, nowMs = performance.now()): void {
    this.#flow.refused(reason, nowMs);
  }

  /** Returns the state at a moment, and a sentence that explains it. */
  view(nowMs = performance.now()): SourceView {
    const { address } = this;
    if (!this.#flow.stalled(nowMs)) return { state: 'live', message: 'The picture is live.' };
    const reason = this.#flow.refusing(nowMs);
    if (reason === 'unmarked') {
      return {
        state: 'refusing',
        message:
          `What ${address} sends is not marked as redacted, so it is not shown. Point REDACTOR_HOST and REDACTOR_PORT ` +
          'at the redactor, or set ALLOW_UNMARKED_FRAMES=1 if a redactor of another make stands there.',
      };
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
      const message = connected ? 'connected; no frame to show has come yet' : 'not connected yet';
      return { state: 'waiting', message: `Waiting for the redactor at ${address}: ${message}.` };
    }
    if (!connected)
      return { state: 'disconnected', message: `The redactor at ${address} is gone; connecting again.` };
    return {
      state: 'stalled',
      message: `The redactor at ${address} is connected but sends no frames; is playback running?`,
    };
  }

  alive(): Verdict {
    return this.#flow.alive();
  }

  ready(nowMs = performance.now()): Verdict {
    if (this.view(nowMs).state === 'ended') return { ok: false, message: 'the clip has ended' };
    return this.#flow.ready(nowMs);
  }
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
