import type { FrameSource } from '../common/bus.ts';
import { type Frame, parseMessage, type RefusalReason } from '../common/frame.ts';

/** Where frames go, and what is not one. */
export interface FrameViewer {
  take(frame: Frame): void;
  /** A message is not shown; `unmarked` is a frame without the redacted mark. */
  refuse(reason: RefusalReason | 'unmarked', detail: string): void;
}

/**
 * Receives frames and passes on those that may be shown, until `signal` is aborted or the source ends.
 *
 * A frame that is not marked as redacted is refused, unless `allowUnmarked` says that unmarked ones are expected.
 */
export async function visualize(
  source: FrameSource,
  viewer: FrameViewer,
  signal: AbortSignal,
  allowUnmarked: boolean,
): Promise<void> {
  for await (const parts of source) {
    if (signal.aborted) return;
    const frame = parseMessage(parts, source.longestBytes);
    if (!frame.ok) viewer.refuse(frame.reason, frame.detail);
    else if (frame.redacted || allowUnmarked) viewer.take(frame);
    else viewer.refuse('unmarked', `a ${frame.width}×${frame.height} ${frame.format} frame`);
  }
}
