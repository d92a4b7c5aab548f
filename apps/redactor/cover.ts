import { type Border, borderSpans } from './border.ts';
import { type MaskFile, type Region, SIDES } from './mask-file.ts';
import { ellipse } from './shapes/ellipse.ts';
import { polygon } from './shapes/polygon.ts';
import { rectangle } from './shapes/rectangle.ts';
import { pixelsWithin, type Shape, touchedPixels } from './shapes/shape.ts';
import { complement, type Spans, union } from './spans.ts';

export interface Cover {
  /** All that the mask covers. */
  pixels: Spans;
  /** What each region takes: covered, or, with `keepOnly`, left visible. */
  regions: Spans[];
}

/** Returns what the mask covers of a picture of this size. */
export function coverOf(mask: MaskFile, width: number, height: number): Cover {
  const { mode, margin } = mask;
  const border = borderSpans(width, height, borderIn(mask, width, height));
  const take = mode === 'cover' ? touchedPixels : pixelsWithin;
  const regions = mask.regions.map(region =>
    take(shapeIn(mask, region, width, height), width, height, margin),
  );
  if (mode === 'cover') return { pixels: union([border, ...regions]), regions };
  const nothing: Spans = border.map(() => []);
  return { pixels: union([border, complement(union([nothing, ...regions]), width)]), regions };
}

function borderIn({ units, border }: MaskFile, width: number, height: number): Border {
  if (units === 'pixels') return border;
  const sides = SIDES.map(side => {
    const length = side === 'top' || side === 'bottom' ? height : width;
    return [side, Math.ceil(snapped(border[side] * length))];
  });
  return Object.fromEntries(sides) as unknown as Border;
}

function shapeIn({ units }: MaskFile, region: Region, width: number, height: number): Shape {
  const across = (x: number) => snapped(units === 'pixels' ? x : x * width);
  const down = (y: number) => snapped(units === 'pixels' ? y : y * height);
  // No region is so small that nothing is left of it.
  const wide = (x: number) => Math.max(1 / GRID, across(x));
  const high = (y: number) => Math.max(1 / GRID, down(y));
  switch (region.shape) {
    case 'rectangle':
      return rectangle(across(region.x), down(region.y), wide(region.width), high(region.height));
    case 'ellipse':
      return ellipse(across(region.cx), down(region.cy), wide(region.rx), high(region.ry));
    case 'polygon':
      return polygon(region.points.map(([x, y]) => [across(x), down(y)]));
  }
}

/** A millionth of a pixel: without it 0.1 × 1920 pixels would reach into one more. */
const GRID = 2 ** 20;

function snapped(px: number): number {
  return Math.round(px * GRID) / GRID;
}
