import type { FrameSource } from '../common/bus.ts';
import { type Frame, parseMessage, type RefusalReason } from '../common/frame.ts';

export interface VisualizerEvents {
  /** A message was not shown; `unmarked` is a frame without the redacted mark. */
  refused(reason: RefusalReason | 'unmarked', detail: string): void;
}

/**
 * Receives frames and hands on those that may be shown, until `signal` is aborted or the source ends.
 *
 * A frame that is not marked as redacted goes no further, unless `allowUnmarked` says that an unmarked one is expected.
 */
export async function visualize(
  source: FrameSource,
  sink: { show(frame: Frame): void },
  signal: AbortSignal,
  allowUnmarked: boolean,
  events: VisualizerEvents,
): Promise<void> {
  for await (const parts of source) {
    if (signal.aborted) return;
    const frame = parseMessage(parts);
    if (!frame.ok) events.refused(frame.reason, frame.detail);
    else if (frame.redacted || allowUnmarked) sink.show(frame);
    else events.refused('unmarked', `a ${frame.width}×${frame.height} ${frame.format} frame`);
  }
}
