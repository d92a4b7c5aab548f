/**
 * What a mask covers, worked out pixel by pixel, without anything of the redactor's. It is slow and simple. Where
 * rounding decides it says so: a pixel must be covered, may be, or must not be.
 */
import type { MaskFile, Region } from '../../apps/redactor/mask-file.ts';

export type Verdict = 'covered' | 'either' | 'visible';

export interface ReferenceRedaction {
  borderPx: number;
  masks: readonly MaskFile[];
}

/** In pixels: an overlap of less may count as none, a distance of less may count as an overlap. */
const SLACK = 1e-4;

/** Returns the verdict on each pixel, row by row. */
export function verdicts({ borderPx, masks }: ReferenceRedaction, width: number, height: number): Verdict[] {
  const all: Verdict[] = [];
  const judges = masks.map(mask => judgeOf(mask, width, height));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      // The challenge's rectangles, with their inclusive corners.
      const inBorder =
        borderPx > 0 && (x <= borderPx || y <= borderPx || x >= width - borderPx || y >= height - borderPx);
      const each = judges.map(judge => judge(x, y));
      if (inBorder || each.includes('covered')) all.push('covered');
      else all.push(each.includes('either') ? 'either' : 'visible');
    }
  }
  return all;
}

function judgeOf(mask: MaskFile, width: number, height: number): (x: number, y: number) => Verdict {
  const [across, down] = mask.units === 'pixels' ? [1, 1] : [width, height];
  const { top, right, bottom, left } = mask.border;
  const inBorder = (x: number, y: number, slack: number) =>
    y < top * down + slack ||
    y + 1 > height - bottom * down - slack ||
    x < left * across + slack ||
    x + 1 > width - right * across - slack;
  const test = mask.mode === 'cover' ? overlap : gap;
  const regions = mask.regions.map(region => {
    const own = scaled(region, across, down);
    const near = (slack: number) => nearPixels(own, test, slack, width, height, Math.ceil(mask.margin));
    return { sure: near(-SLACK), perhaps: near(SLACK) };
  });
  return (x, y) => {
    if (inBorder(x, y, -SLACK)) return 'covered';
    const at = y * width + x;
    // With keepOnly a pixel is visible only if it lies wholly within one of the regions.
    const [must, may] =
      mask.mode === 'cover'
        ? [regions.some(({ sure }) => sure[at]), regions.some(({ perhaps }) => perhaps[at])]
        : [regions.every(({ sure }) => sure[at]), regions.every(({ perhaps }) => perhaps[at])];
    if (must) return 'covered';
    return may || inBorder(x, y, SLACK) ? 'either' : 'visible';
  };
}

type Test = (region: Region, x: number, y: number, slack: number) => boolean;

/** For each pixel of the picture, whether the test holds for it or for one within reach, outside the picture too. */
function nearPixels(
  region: Region,
  test: Test,
  slack: number,
  width: number,
  height: number,
  reach: number,
): boolean[] {
  const near: boolean[] = new Array(width * height).fill(false);
  for (let v = -reach; v < height + reach; v += 1) {
    for (let u = -reach; u < width + reach; u += 1) {
      if (!test(region, u, v, slack)) continue;
      for (let y = Math.max(0, v - reach); y <= Math.min(height - 1, v + reach); y += 1) {
        near.fill(true, y * width + Math.max(0, u - reach), y * width + Math.min(width, u + reach + 1));
      }
    }
  }
  return near;
}

function scaled(region: Region, across: number, down: number): Region {
  switch (region.shape) {
    case 'rectangle': {
      const { x, y, width, height } = region;
      return { ...region, x: x * across, y: y * down, width: width * across, height: height * down };
    }
    case 'ellipse': {
      const { cx, cy, rx, ry } = region;
      return { ...region, cx: cx * across, cy: cy * down, rx: rx * across, ry: ry * down };
    }
    case 'polygon':
      return { ...region, points: region.points.map(([x, y]) => [x * across, y * down]) };
  }
}

/** Whether the region has a part in a pixel. */
const overlap: Test = (region, x, y, slack) => {
  switch (region.shape) {
    case 'rectangle':
      return (
        region.x < x + 1 + slack &&
        region.x + region.width > x - slack &&
        region.y < y + 1 + slack &&
        region.y + region.height > y - slack
      );
    case 'ellipse': {
      const nearest = (centre: number, from: number) => Math.min(Math.max(centre, from), from + 1) - centre;
      return inEllipse(region, nearest(region.cx, x), nearest(region.cy, y), slack);
    }
    case 'polygon':
      return crossesOutline(region.points, x, y, slack) || winding(region.points, x, y) !== 0;
  }
};

/** Whether a part of the pixel lies outside the region. */
const gap: Test = (region, x, y, slack) => {
  switch (region.shape) {
    case 'rectangle':
      return (
        x - slack < region.x ||
        x + 1 + slack > region.x + region.width ||
        y - slack < region.y ||
        y + 1 + slack > region.y + region.height
      );
    case 'ellipse': {
      const farthest = (centre: number, from: number) =>
        Math.max(Math.abs(from - centre), Math.abs(from + 1 - centre));
      return !inEllipse(region, farthest(region.cx, x), farthest(region.cy, y), -slack);
    }
    case 'polygon':
      return crossesOutline(region.points, x, y, slack) || winding(region.points, x, y) % 2 === 0;
  }
};

function inEllipse({ rx, ry }: { rx: number; ry: number }, dx: number, dy: number, slack: number): boolean {
  const [a, b] = [rx + slack, ry + slack];
  return a > 0 && b > 0 && (dx / a) ** 2 + (dy / b) ** 2 < 1;
}

type Point = readonly [number, number];
type Points = readonly Point[];

function crossesOutline(points: Points, x: number, y: number, slack: number): boolean {
  return points.some((from, i) => segmentMeets(from, points[(i + 1) % points.length]!, x, y, slack));
}

/** Whether a segment passes through the inside of a pixel. */
function segmentMeets(a: Point, b: Point, x: number, y: number, slack: number): boolean {
  const dx = b[0] - a[0];
  const dy = b[1] - a[1];
  const left = x - slack - a[0];
  const right = x + 1 + slack - a[0];
  const top = y - slack - a[1];
  const bottom = y + 1 + slack - a[1];
  if (dx === 0 && (left >= 0 || right <= 0)) return false;
  if (dy === 0 && (top >= 0 || bottom <= 0)) return false;
  // From which part of it to which it lies between the sides, and between the top and the bottom (Liang and Barsky).
  const enters = Math.max(
    0,
    dx === 0 ? 0 : Math.min(left / dx, right / dx),
    dy === 0 ? 0 : Math.min(top / dy, bottom / dy),
  );
  const leaves = Math.min(
    1,
    dx === 0 ? 1 : Math.max(left / dx, right / dx),
    dy === 0 ? 1 : Math.max(top / dy, bottom / dy),
  );
  return enters < leaves;
}

/** How often the outline winds around the middle of a pixel. */
function winding(points: Points, x: number, y: number): number {
  const [px, py] = [x + 0.5, y + 0.5];
  let turns = 0;
  for (let i = 0; i < points.length; i += 1) {
    const [ax, ay] = points[i]!;
    const [bx, by] = points[(i + 1) % points.length]!;
    const side = (bx - ax) * (py - ay) - (px - ax) * (by - ay);
    if (ay <= py && by > py && side < 0) turns += 1;
    if (ay > py && by <= py && side > 0) turns -= 1;
  }
  return turns;
}
