import type { FrameSink, FrameSource } from '../common/bus.ts';
import { unixNanoseconds } from '../common/clock.ts';
import {
  type Frame,
  isMarkable,
  type MarkableFrame,
  markRedacted,
  notice,
  parseMessage,
  type RefusalReason,
  withTrailer,
} from '../common/frame.ts';
import type { PixelLayout } from '../common/pixels.ts';
import { GeometryGuard } from './geometry-guard.ts';
import { type Fitted, fit, type InForce, type Redaction } from './redaction.ts';

/** Why a message was not published. Closed, so that it can label a counter. */
export type WithheldReason = RefusalReason | 'doubtful-geometry' | 'bad-mask' | 'misfit';

/** A frame that was not published: something is wrong with it, or it can't be known what to cover. */
export interface Withheld {
  reason: WithheldReason;
  /** One sentence or less, without anything of the picture. */
  detail: string;
  /** What viewers are told, if not that. */
  forViewers?: string | undefined;
}

/** What the loop reports, for counters, log and health. */
export interface RedactorEvents {
  /** @param coverMs how long it took to cover the frame */
  published(frame: MarkableFrame, coverMs: number): void;
  /** @param frame what was not published, if it is a frame */
  withheld(why: Withheld, frame?: Frame): void;
  /** Frames have another layout than before, or come for the first time. */
  layoutChanged(layout: PixelLayout, before: PixelLayout | undefined): void;
  /** A redaction that fits has something about it that its author should know. */
  warned(warning: string): void;
  /** From now on, this share of each picture is covered, from 0 to 1. */
  covers(share: number): void;
}

/** Notices are this far apart at least. Viewers need one a second to know that it still holds. */
const NOTICE_MS = 500;

/**
 * Receives frames, covers what is to be covered and publishes them, until `signal` is aborted or the source ends.
 *
 * It fails closed: what is not exactly a frame is never published, nor is a frame of which it can't be known what to
 * cover, and the mark is set only once the mask has been applied. A frame is masked and sent in the memory it was
 * received in: no copy. The one exception is a frame without a trailer of version 2, which has no place for the mark: it
 * is copied into a message that has one.
 *
 * @param inForce what is to be covered at this moment; asked before each frame
 */
export async function redact(
  source: FrameSource,
  sink: FrameSink,
  signal: AbortSignal,
  inForce: () => InForce,
  events: RedactorEvents,
): Promise<void> {
  const guard = new GeometryGuard();
  const fitNewest = newestFit(events);
  const markable = trailerGiver();
  let noticedMs = Number.NEGATIVE_INFINITY;
  const withhold = async (why: Withheld, frame?: Frame) => {
    events.withheld(why, frame);
    if (performance.now() - noticedMs < NOTICE_MS) return;
    noticedMs = performance.now();
    await sink.send(notice(why.forViewers ?? why.detail));
  };

  for await (const parts of source) {
    if (signal.aborted) return;
    const received = parseMessage(parts, source.longestBytes);
    if (!received.ok) {
      // What playback says of why it has no frame is for viewers too.
      if (received.reason === 'withheld') await withhold(received);
      else events.withheld(received);
      continue;
    }
    const doubt = guard.doubt(received);
    if (doubt !== undefined) {
      await withhold({ reason: 'doubtful-geometry', detail: doubt }, received);
      continue;
    }
    const current = inForce();
    if (!current.ok) {
      const { detail, forViewers } = current;
      await withhold({ reason: 'bad-mask', detail, forViewers }, received);
      continue;
    }
    const { redaction } = current;
    const fitted = fitNewest(redaction, received);
    if (!fitted.ok) {
      const { detail, forViewers } = fitted;
      await withhold({ reason: 'misfit', detail, forViewers }, received);
      continue;
    }
    const frame = isMarkable(received) ? received : markable(received);
    const beganMs = performance.now();
    fitted.mask(frame.pixels);
    const coverMs = performance.now() - beganMs;
    markRedacted(frame, redaction.digest);
    await sink.send(frame.message);
    events.published(frame, coverMs);
  }
}

/** Gives frames a trailer of version 2. Those that bring no number are numbered from here. */
function trailerGiver(): (frame: Frame) => MarkableFrame {
  let unnumbered = 0n;
  return frame => {
    if (frame.stamp) return withTrailer(frame, frame.stamp);
    const sequence = unnumbered;
    unnumbered += 1n;
    const unknown = { publishedAtNs: unixNanoseconds(), positionUs: 0n, validAtMs: 0, mask: 0n };
    return withTrailer(frame, { ...unknown, ...frame.remnant, sequence });
  };
}

/** Keeps one fit, of the newest redaction to the last layout: a clip has one, and a hostile peer must not fill a cache. */
function newestFit(events: RedactorEvents): (redaction: Redaction, layout: PixelLayout) => Fitted {
  let last: { redaction: Redaction; layout: PixelLayout; fitted: Fitted } | undefined;
  return (redaction, { width, height, format, order }) => {
    const before = last?.layout;
    const isSameLayout =
      before?.width === width &&
      before.height === height &&
      before.format === format &&
      before.order === order;
    if (last && isSameLayout && last.redaction === redaction) return last.fitted;
    const layout = { width, height, format, order };
    const fitted = fit(redaction, layout);
    last = { redaction, layout, fitted };
    if (!isSameLayout) events.layoutChanged(layout, before);
    if (fitted.ok) {
      events.covers(fitted.covered);
      for (const warning of fitted.warnings) events.warned(warning);
    }
    return fitted;
  };
}
