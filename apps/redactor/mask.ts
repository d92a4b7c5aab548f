import { type PixelLayout, type Plane, planesOf } from '../common/pixels.ts';
import { borderSpans, evenBorder } from './border.ts';
import { halved, type Spans, transposed } from './spans.ts';

/** Covers a frame in its own bytes. */
export type Mask = (pixels: Uint8Array) => void;

/** Full-range black. */
const BLACK: Record<Plane['holds'], number> = { y: 0, cb: 128, cr: 128, bgr: 0, b: 0, g: 0, r: 0 };

/** Returns the mask that blackens a border of `widthPx`, for every frame of one layout. */
export function borderMask(layout: PixelLayout, widthPx: number): Mask {
  return maskOf(borderSpans(layout.width, layout.height, evenBorder(widthPx)), layout);
}

/**
 * Returns the mask that blackens these pixels, made once a layout and applied to every frame of it. A chroma sample that
 * a covered pixel shares with an uncovered one is covered.
 *
 * Cost of a 100 px border at 1080p in I420: about 1 770 runs, 1.4 MB set in place; no copy, no allocation.
 */
export function maskOf(spans: Spans, layout: PixelLayout): Mask {
  const fills = planesOf(layout).map(plane => ({
    value: BLACK[plane.holds],
    bounds: byteRuns(spans, plane),
  }));
  return pixels => {
    for (const { value, bounds } of fills) {
      for (let i = 0; i < bounds.length; i += 2) pixels.fill(value, bounds[i], bounds[i + 1]);
    }
  };
}

/** Start and end of each run of covered bytes. The end of one line and the start of the next are one run. */
function byteRuns(spans: Spans, plane: Plane): Uint32Array {
  const { offset, columnStride, rowStride } = plane;
  const samples = plane.shift === 1 ? halved(spans) : spans;
  const byRows = columnStride <= rowStride;
  const lines = byRows ? samples : transposed(samples, plane.width);
  const lineStride = byRows ? rowStride : columnStride;
  const step = byRows ? columnStride : rowStride;
  const bounds: number[] = [];
  for (let line = 0; line < lines.length; line += 1) {
    const row = lines[line]!;
    const lineStart = offset + line * lineStride;
    for (let i = 0; i < row.length; i += 2) {
      const start = lineStart + row[i]! * step;
      const end = lineStart + row[i + 1]! * step;
      if (bounds.at(-1) === start) bounds[bounds.length - 1] = end;
      else bounds.push(start, end);
    }
  }
  return Uint32Array.from(bounds);
}
