/** A sample of measurements, in the terms that the tables print. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** How a curve of (seconds, value) develops. */
export interface Trend {
  /** Medians of its sixths. */
  sixths: number[];
  /** From the first sixth to the last, a share of the first. */
  growth: number;
  /** Least squares over every point. */
  anHour: number;
}

export function trend(points: readonly (readonly [seconds: number, value: number])[]): Trend {
  const at = (i: number) => Math.floor((i * points.length) / 6);
  const sixths = Array.from({ length: 6 }, (_, i) =>
    median(points.slice(at(i), at(i + 1)).map(([, value]) => value)),
  );
  const [, anHour] = leastSquares(
    points.map(([seconds]) => [1, seconds / 3600]),
    points.map(([, value]) => value),
  );
  return { sixths, growth: sixths[5]! / sixths[0]! - 1, anHour: anHour! };
}

/** A formula that is linear in its terms. */
export interface Fit {
  factors: number[];
  predict(terms: readonly number[]): number;
  /** How far the worst measurement lies above what is predicted, as a share of it. */
  over: number;
}

/** Least squares of the relative errors: with absolute ones only the largest measurements would count. */
export function fit(rows: readonly (readonly number[])[], measured: readonly number[]): Fit {
  const factors = leastSquares(
    rows.map((row, k) => row.map(term => term / measured[k]!)),
    measured.map(() => 1),
  );
  const predict = (terms: readonly number[]) => sum(terms.map((term, i) => term * factors[i]!));
  const over = Math.max(...rows.map((row, k) => measured[k]! / predict(row) - 1));
  return { factors, predict, over };
}

/** Ordinary least squares: returns the weights w with which rows·w comes nearest to the targets. */
export function leastSquares(rows: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const size = rows[0]!.length;
  const system = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => sum(rows.map(row => row[i]! * row[j]!))),
    sum(rows.map((row, k) => row[i]! * targets[k]!)),
  ]);
  // Gauss–Jordan elimination, with the largest pivot first.
  for (let column = 0; column < size; column += 1) {
    const rest = system.slice(column);
    const pivot = rest.reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    system.splice(system.indexOf(pivot), 1);
    system.splice(column, 0, pivot);
    for (const row of system) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      for (let i = column; i <= size; i += 1) row[i] = row[i]! - factor * pivot[i]!;
    }
  }
  return system.map((row, i) => row[size]! / row[i]!);
}
