import type { Frame } from '../common/frame.ts';
import { FlowHealth, type Health, type Verdict } from '../common/health.ts';
import { SequenceGaps } from '../common/sequence.ts';
import type { SourceState } from './messages.ts';

/** The card's title for each state; the card has room for a few words and the sentence. */
export const TITLES: Record<SourceState, string> = {
  waiting: 'Waiting for imagery',
  live: 'Live',
  stalled: 'No signal',
  disconnected: 'No signal',
  refusing: 'Not shown',
};

export interface SourceView {
  state: SourceState;
  /** One sentence for people. */
  message: string;
}

/** What is known of the newest frame besides its pixels. */
export type FrameFacts = Pick<Frame, 'width' | 'height' | 'format' | 'stamp'>;

/** Knows the state of one source of frames. Times are `performance.now()` milliseconds. */
export class Source implements Health {
  readonly address: string;
  readonly #connected: () => boolean;
  readonly #flow: FlowHealth;
  readonly #gaps = new SequenceGaps();
  #newest: FrameFacts | undefined;

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

  /** Takes note of a frame that may be shown. Returns how many before it never arrived, by the gap in the sequence. */
  arrived({ width, height, format, stamp }: Frame, nowMs = performance.now()): number {
    this.#newest = { width, height, format, stamp };
    this.#flow.flowed(nowMs);
    return stamp ? this.#gaps.missedBefore(stamp.sequence) : 0;
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
    return this.#flow.ready(nowMs);
  }
}
