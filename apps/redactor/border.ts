import { type Spans, toRow } from './spans.ts';

/** Covered edges in pixels. An edge longer than its side covers the side. */
export interface Border {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

/**
 * Returns the border that `REDACT_WIDTH` asks for.
 *
 * The challenge's code draws rectangles with inclusive corners, so it blackens one pixel more at the top and left; so do
 * we.
 */
export function evenBorder(widthPx: number): Border {
  if (widthPx === 0) return { top: 0, right: 0, bottom: 0, left: 0 };
  return { top: widthPx + 1, right: widthPx, bottom: widthPx, left: widthPx + 1 };
}

/** Returns the pixels that the border covers. */
export function borderSpans(width: number, height: number, { top, right, bottom, left }: Border): Spans {
  const whole = toRow([[0, width]]);
  const sides = toRow([
    [0, Math.min(left, width)],
    [Math.max(0, width - right), width],
  ]);
  return Array.from({ length: height }, (_, y) => (y < top || y >= height - bottom ? whole : sides));
}
