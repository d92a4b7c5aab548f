import type { Frame } from '../../common/frame.ts';
import { FlowHealth, type Verdict } from '../../common/health.ts';
import type { LinkState } from '../../common/link.ts';
import type { SourceState, Status } from '../messages.ts';
import { type Arrival, Source, type SourceView } from '../source.ts';

/** The origin may have a newer picture than this relay for this long before the picture here is called stalled. */
const UNSEEN_MS = 1800;

/** What the origin last said of itself. */
export type OriginView = Pick<Status, 'state' | 'message' | 'sector'> & {
  format: string | null;
  pictureSequence: number | null;
  blank: boolean | null;
};

/**
 * Knows whether a relay's picture is live: its origin says so, and what it says still arrives. So there are two levels:
 * this relay may have lost its origin, or the origin its source.
 */
export class RelaySource extends Source {
  /** What flows is the origin's status and pictures, so that a slow clip is judged by the origin alone. */
  readonly #heard: FlowHealth;
  #origin: OriginView | undefined;
  /** Why what comes is not shown, until something can be. */
  #refusal: { reason: string; message: string } | undefined;
  #hasPicture = false;
  #unseenSinceMs: number | undefined;

  constructor(address: string, connected: () => boolean, link: () => LinkState, withheld?: string) {
    super(address, connected, link, withheld);
    this.#heard = new FlowHealth(
      'visualizer',
      `pictures from the visualizer at ${address}`,
      connected,
      () => link().fault,
    );
  }

  /** What the origin last said; undefined before it said anything. */
  get origin(): OriginView | undefined {
    return this.#origin;
  }

  /** A relay has no pixels, so the origin has to say. */
  override get blank(): boolean | null {
    return this.#origin?.blank ?? null;
  }

  /** Takes note of what the origin says of itself. */
  said(origin: OriginView, nowMs = performance.now()): void {
    this.#origin = origin;
    if (this.#refusal?.reason === 'ring') this.#refusal = undefined;
    this.#heard.flowed(nowMs);
    this.#compare(nowMs);
  }

  override arrived(frame: Frame, nowMs = performance.now()): Arrival {
    const arrival = super.arrived(frame, nowMs);
    this.#heard.flowed(nowMs);
    this.#refusal = undefined;
    this.#hasPicture = true;
    this.#compare(nowMs);
    return arrival;
  }

  /** @param detail a sentence if the reason is `ring` or `other-marking` */
  override refused(reason: string, detail: string): void {
    const { address } = this;
    const sentences: Record<string, string> = {
      ring: detail,
      'other-marking': detail,
      unmarked:
        `What ${address} sends is not marked as redacted, so it is not shown. Update that visualizer, or set ` +
        'ALLOW_UNMARKED_FRAMES=1 here too if a redactor of another make stands there.',
    };
    const message =
      sentences[reason] ?? `What ${address} sends is not a picture that can be shown: ${reason} (${detail}).`;
    this.#refusal = { reason, message };
  }

  override view(nowMs = performance.now()): SourceView {
    if (this.withheld !== undefined) return { state: 'refusing', message: this.withheld };
    const { address, connected } = this;
    const { fault, recentLosses } = this.link;
    const why = fault === null ? '' : ` (${fault})`;
    const refusal = this.#refusal;
    if (refusal && (connected || refusal.reason === 'ring'))
      return { state: 'refusing', message: refusal.message };
    const origin = this.#origin;
    if (!origin || this.#heard.stalled(nowMs)) {
      if (!origin) {
        const wait = connected ? 'connected; it has said nothing yet' : (fault ?? 'not connected yet');
        return { state: 'waiting', message: `Waiting for the visualizer at ${address}: ${wait}.` };
      }
      if (!connected)
        return {
          state: 'disconnected',
          message: `This relay has lost the visualizer at ${address}${why}; connecting again.`,
        };
      return {
        state: 'stalled',
        message: `The visualizer at ${address} is connected to this relay but sends nothing.`,
      };
    }
    if (origin.state !== 'live')
      return { state: origin.state, message: `The visualizer at ${address} reports: ${origin.message}` };
    if (!this.#hasPicture)
      return {
        state: 'waiting',
        message: `The visualizer at ${address} is live; its first picture has not come yet.`,
      };
    if (this.#unseenSinceMs !== undefined && nowMs - this.#unseenSinceMs > UNSEEN_MS) {
      return {
        state: 'stalled',
        message: `The visualizer at ${address} has newer pictures, but none of them reaches this relay.`,
      };
    }
    const flapping = ` The link to ${address} was lost ${recentLosses} times within a minute.`;
    return { state: 'live', message: recentLosses > 0 ? origin.message + flapping : origin.message };
  }

  override ready(nowMs = performance.now()): Verdict {
    const { state, message } = this.view(nowMs);
    return state === 'live' ? { ok: true, message: 'frames flow' } : { ok: false, message };
  }

  /** Notes since when the origin has had a picture that has not come here. */
  #compare(nowMs: number): void {
    const theirs = this.#origin?.pictureSequence ?? null;
    if (theirs === null || theirs === this.pictureSequence || this.#origin?.state !== 'live')
      this.#unseenSinceMs = undefined;
    else this.#unseenSinceMs ??= nowMs;
  }
}

/** The states that a visualizer may report. */
export const STATES: readonly SourceState[] = [
  'waiting',
  'live',
  'stalled',
  'disconnected',
  'refusing',
  'ended',
];
