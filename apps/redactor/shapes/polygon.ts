import { ROUNDING_PX, type Run, type Shape } from './shape.ts';

export type Point = readonly [x: number, y: number];

/** From its upper end to its lower. */
interface Edge {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  /** 1 if the outline runs down along it, -1 if up. */
  direction: 1 | -1;
}

/**
 * A closed outline, which may cross itself. A point counts as inside by either rule for what is covered, by both for
 * what is kept: inside by the even-odd rule means wound around an odd number of times, so it implies the other rule.
 */
export function polygon(points: readonly Point[]): Shape {
  const edges = points.map((from, i) => edgeOf(from, points[(i + 1) % points.length]!));
  const heights = points.map(([, y]) => y);
  // Between two heights, the outline's own runs aside, the shape is at each x what it is at any one height.
  return {
    top: Math.min(...heights),
    bottom: Math.max(...heights),
    touched(top, bottom) {
      const inside = insideAt(edges, (top + bottom) / 2, winding => winding !== 0);
      return [...outline(edges, top, bottom), ...inside];
    },
    within(top, bottom) {
      const inside = insideAt(edges, (top + bottom) / 2, winding => winding % 2 !== 0);
      return without(inside, outline(edges, top, bottom));
    },
  };
}

/** Returns whether all points lie on one line, so that the polygon has no inside. */
export function isFlat(points: readonly Point[]): boolean {
  const [x0, y0] = points[0]!;
  const offsets = points.map(([x, y]) => [x - x0, y - y0] as const);
  const [dx, dy] = offsets.reduce((far, next) => (extent(next) > extent(far) ? next : far));
  const negligible = 1e-12 * extent([dx, dy]) ** 2;
  return offsets.every(([x, y]) => Math.abs(dx * y - dy * x) <= negligible);
}

function extent([x, y]: Point): number {
  return Math.max(Math.abs(x), Math.abs(y));
}

function edgeOf([ax, ay]: Point, [bx, by]: Point): Edge {
  return ay <= by
    ? { x0: ax, y0: ay, x1: bx, y1: by, direction: 1 }
    : { x0: bx, y0: by, x1: ax, y1: ay, direction: -1 };
}

function xAt({ x0, y0, x1, y1 }: Edge, y: number): number {
  return x0 + ((x1 - x0) * (y - y0)) / (y1 - y0);
}

/** Returns where an edge is cut, as wide as rounding makes it uncertain. An upright edge is cut exactly. */
function cutAt(edge: Edge, y: number): Run {
  const x = xAt(edge, y);
  const slack = edge.x0 === edge.x1 ? 0 : ROUNDING_PX;
  return [x - slack, x + slack];
}

/** Returns the runs that the edges pass over between two heights. An upright edge has a place there, and no width. */
function outline(edges: readonly Edge[], top: number, bottom: number): Run[] {
  const runs: Run[] = [];
  for (const edge of edges) {
    const { x0, y0, x1, y1 } = edge;
    if (y1 <= top || y0 >= bottom) continue;
    const upper: Run = y0 >= top ? [x0, x0] : cutAt(edge, top);
    const lower: Run = y1 <= bottom ? [x1, x1] : cutAt(edge, bottom);
    runs.push([Math.min(upper[0], lower[0]), Math.max(upper[1], lower[1])]);
  }
  return runs;
}

/** Returns the runs along one height where the outline winds around as the rule asks. */
function insideAt(edges: readonly Edge[], y: number, isInside: (winding: number) => boolean): Run[] {
  const crossings = edges
    // Of two edges that meet at this height and go on, one counts.
    .filter(({ y0, y1 }) => y0 <= y && y < y1)
    .map(edge => ({ x: xAt(edge, y), direction: edge.direction }))
    .sort((a, b) => a.x - b.x);
  const runs: Run[] = [];
  let winding = 0;
  for (const [i, { x, direction }] of crossings.entries()) {
    winding += direction;
    if (isInside(winding)) runs.push([x, crossings[i + 1]?.x ?? x]);
  }
  return runs;
}

/** Returns what is left of the runs, which are in order and do not overlap. */
function without(runs: readonly Run[], taken: readonly Run[]): Run[] {
  const inOrder = taken.toSorted(([a], [b]) => a - b);
  const left: Run[] = [];
  let next = 0;
  /** How far what is taken has reached. */
  let taker = Number.NEGATIVE_INFINITY;
  for (const [start, end] of runs) {
    let from = Math.max(start, taker);
    for (; next < inOrder.length && inOrder[next]![0] < end; next += 1) {
      const [takenFrom, takenTo] = inOrder[next]!;
      if (takenFrom > from) left.push([from, takenFrom]);
      taker = Math.max(taker, takenTo);
      from = Math.max(from, taker);
    }
    if (from < end) left.push([from, end]);
  }
  return left;
}
