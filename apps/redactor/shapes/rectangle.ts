import type { Run, Shape } from './shape.ts';

export function rectangle(x: number, y: number, width: number, height: number): Shape {
  const [right, bottom] = [x + width, y + height];
  const run: Run = [x, right];
  return {
    top: y,
    bottom,
    touched: (from, to) => (to > y && from < bottom ? [run] : []),
    within: (from, to) => (from >= y && to <= bottom ? [run] : []),
  };
}
