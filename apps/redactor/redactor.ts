import type { FrameSink, FrameSource } from '../common/bus.ts';
import { unixNanoseconds } from '../common/clock.ts';
import { addTrailer, type Frame, markRedacted, parseMessage, type Refusal } from '../common/frame.ts';
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
 * has been applied. A frame is masked and sent in the memory it was received in: no copy. The one exception is a frame
 * without a trailer, as the challenge's playback sends: it is given one, numbered and timed from here, so that the mark
 * travels with it.
 */
export async function redact(
  source: FrameSource,
  sink: FrameSink,
  signal: AbortSignal,
  borderPx: number,
  events: RedactorEvents,
): Promise<void> {
  const maskFor = newestMask(borderPx);
  let unnumbered = 0n;
  for await (const parts of source) {
    if (signal.aborted) return;
    const received = parseMessage(parts);
    if (!received.ok) {
      events.refused(received);
      continue;
    }
    let frame = received;
    if (!frame.stamp) {
      frame = addTrailer(frame, { sequence: unnumbered, publishedAtNs: unixNanoseconds(), positionUs: 0n });
      unnumbered += 1n;
    }
    maskFor(frame)(frame.pixels);
    markRedacted(frame);
    await sink.send(frame.message);
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
