import { type Row, type Spans, toRow } from '../spans.ts';

/** Where a run of pixels begins and ends, in pixels from the left, with fractions. */
export type Run = readonly [start: number, end: number];

/** A region in pixels of the picture, with fractions. Pixel (x, y) is the square from (x, y) to (x + 1, y + 1). */
export interface Shape {
  top: number;
  bottom: number;
  /** Returns runs that hold every x at which the shape has a part between two heights. */
  touched(top: number, bottom: number): Run[];
  /** Returns runs of x at which the shape holds everything between two heights. Nothing across a seam of two is held. */
  within(top: number, bottom: number): Run[];
}

/**
 * A computed bound may be off by this many pixels, so that it is moved outwards by them for what is covered, inwards for
 * what is kept. Doubles below 2^15 are off by 10^-11 and less.
 */
export const ROUNDING_PX = 1e-6;

/** Returns the pixels that the shape touches or that lie within `margin` of one, diagonally too. */
export function touchedPixels(shape: Shape, width: number, height: number, margin: number): Spans {
  const reach = Math.ceil(margin);
  return pixelRows(shape, height, reach, y => {
    const runs = shape.touched(y - reach, y + 1 + reach);
    return runs.map(([start, end]) => [
      Math.max(0, Math.floor(start) - reach),
      Math.min(width, Math.ceil(end) + reach),
    ]);
  });
}

/** Returns the pixels that lie wholly within the shape, and `margin` away from its edge. */
export function pixelsWithin(shape: Shape, width: number, height: number, margin: number): Spans {
  const reach = Math.ceil(margin);
  return pixelRows(shape, height, 0, y => {
    const runs = shape.within(y - reach, y + 1 + reach);
    return runs.map(([start, end]) => [
      Math.max(0, Math.ceil(start) + reach),
      Math.min(width, Math.floor(end) - reach),
    ]);
  });
}

const NOTHING: Row = [];

function pixelRows(
  { top, bottom }: Shape,
  height: number,
  reach: number,
  runsAt: (y: number) => Run[],
): Spans {
  const first = Math.floor(top) - reach;
  const last = Math.ceil(bottom) + reach;
  return Array.from({ length: height }, (_, y) => (y < first || y >= last ? NOTHING : toRow(runsAt(y))));
}
