import { ROUNDING_PX, type Run, type Shape } from './shape.ts';

/** Its axes are level and upright. */
export function ellipse(cx: number, cy: number, rx: number, ry: number): Shape {
  /** The run at a distance above or below the centre, moved outwards by what rounding may take. */
  const runAt = (distance: number, outwards: number): Run[] => {
    if (distance === 0) return [[cx - rx, cx + rx]];
    if (distance >= ry) return [];
    const half = rx * Math.sqrt((1 - distance / ry) * (1 + distance / ry)) + outwards;
    return [[cx - half, cx + half]];
  };
  return {
    top: cy - ry,
    bottom: cy + ry,
    touched: (top, bottom) => runAt(Math.max(0, top - cy, cy - bottom), ROUNDING_PX),
    within: (top, bottom) => runAt(Math.max(Math.abs(top - cy), Math.abs(bottom - cy)), -ROUNDING_PX),
  };
}
