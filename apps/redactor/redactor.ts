import type { FrameSink, FrameSource } from '../common/bus.ts';
import { unixNanoseconds } from '../common/clock.ts';
import {
  type Frame,
  isMarkable,
  type MarkableFrame,
  markRedacted,
  parseMessage,
  type Refusal,
  withTrailer,
} from '../common/frame.ts';
import type { PixelLayout } from '../common/pixels.ts';
import { borderMask, type Mask } from './mask.ts';

/** What the loop reports, for counters, log and health. */
export interface RedactorEvents {
  published(frame: MarkableFrame): void;
  refused(refusal: Refusal): void;
}

/**
 * Receives frames, blackens their outer border and publishes them, until `signal` is aborted or the source ends.
 *
 * It fails closed: what is not exactly a frame is refused and never published, and the mark is set only once the mask
 * has been applied. A frame is masked and sent in the memory it was received in: no copy. The one exception is a frame
 * without a trailer of version 2, which has no place for the mark: it is copied into a message that has one.
 */
export async function redact(
  source: FrameSource,
  sink: FrameSink,
  signal: AbortSignal,
  borderPx: number,
  events: RedactorEvents,
): Promise<void> {
  const maskFor = newestMask(borderPx);
  const markable = trailerGiver();
  for await (const parts of source) {
    if (signal.aborted) return;
    const received = parseMessage(parts, source.longestBytes);
    if (!received.ok) {
      events.refused(received);
      continue;
    }
    const frame = isMarkable(received) ? received : markable(received);
    maskFor(frame)(frame.pixels);
    markRedacted(frame, 0n);
    await sink.send(frame.message);
    events.published(frame);
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

/** Keeps one mask, the last layout's: a clip has one, and a hostile peer must not fill a cache. */
function newestMask(borderPx: number): (frame: PixelLayout) => Mask {
  let key: PixelLayout | undefined;
  let mask: Mask = () => {};
  return ({ width, height, format, order }) => {
    if (key?.width !== width || key.height !== height || key.format !== format || key.order !== order) {
      key = { width, height, format, order };
      mask = borderMask(key, borderPx);
    }
    return mask;
  };
}
