import type { FrameSink, FrameSource } from '../common/bus.ts';
import { type Frame, markRedacted, parseFrame, type Refusal } from '../common/frame.ts';
import { borderMask, type Mask, type MaskKey } from './mask.ts';

/** What the loop tells of, for counters, log and health. */
export interface RedactorEvents {
  published(frame: Frame): void;
  refused(refusal: Refusal): void;
}

/**
 * Receives frames, blackens their outer border and publishes them, until `signal` is aborted or the source ends.
 *
 * It fails closed: what is not exactly a frame is refused and never published, and the mark is set only once the mask
 * has been applied. A frame is masked and sent in the memory it was received in: no copy.
 */
export async function redact(
  source: FrameSource,
  sink: FrameSink,
  signal: AbortSignal,
  borderPx: number,
  events: RedactorEvents,
): Promise<void> {
  const maskFor = newestMask(borderPx);
  for await (const message of source) {
    if (signal.aborted) return;
    const frame = parseFrame(message);
    if (!frame.ok) {
      events.refused(frame);
      continue;
    }
    maskFor(frame)(frame.pixels);
    markRedacted(frame);
    await sink.send(message);
    events.published(frame);
  }
}

/** Keeps one mask, the last geometry's: a clip has one, and a hostile peer must not fill a cache. */
function newestMask(borderPx: number): (frame: Frame) => Mask {
  let key: MaskKey | undefined;
  let mask: Mask = () => {};
  return ({ width, height, format, order }) => {
    if (key?.width !== width || key.height !== height || key.format !== format || key.order !== order) {
      key = { width, height, format, order };
      mask = borderMask(key, borderPx);
    }
    return mask;
  };
}
