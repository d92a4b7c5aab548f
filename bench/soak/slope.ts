import { median, sum } from '../statistics.ts';

/** A straight line through block means, with what is known of its slope. */
export interface Slope {
  /** Units an hour. */
  anHour: number;
  /** The 95 % confidence interval of that; infinite if there are too few blocks. */
  interval: [low: number, high: number];
  blocks: number;
  mean: number;
}

export type Point = readonly [seconds: number, value: number];

/** Fewer independent blocks than this say nothing about a slope. */
const LEAST_FREEDOM = 2;

/**
 * Returns the least-squares slope of a curve and its 95 % confidence interval.
 *
 * Samples a few seconds apart are not independent, so a plain interval would be far too narrow. Two corrections: samples are
 * averaged over blocks of one round of the load (batch means: Law, Simulation Modeling and Analysis, 5th ed., 9.5.3), and
 * the degrees of freedom are reduced by the lag-1 correlation r of the residuals, n' = n (1 − r) / (1 + r) (Santer et al.
 * 2000, J. Geophys. Res. 105, 7337–7356, equations 3 to 6). r below 0 counts as 0, so the interval never becomes narrower.
 */
export function slopeOf(points: readonly Point[], blockSeconds: number): Slope {
  const means = blockMeans(points, blockSeconds);
  const n = means.length;
  const atMean = sum(means.map(([at]) => at)) / n;
  const mean = sum(means.map(([, value]) => value)) / n;
  const spreadOfTimes = sum(means.map(([at]) => (at - atMean) ** 2));
  const slope = sum(means.map(([at, value]) => (at - atMean) * (value - mean))) / spreadOfTimes;
  const residuals = means.map(([at, value]) => value - mean - slope * (at - atMean));
  const squares = sum(residuals.map(residual => residual ** 2));
  const lagged = sum(residuals.slice(1).map((residual, i) => residual * residuals[i]!));
  const r = squares > 0 ? Math.min(0.99, Math.max(0, lagged / squares)) : 0;
  const freedom = (n * (1 - r)) / (1 + r) - 2;
  const error =
    freedom < LEAST_FREEDOM ? Number.POSITIVE_INFINITY : Math.sqrt(squares / freedom / spreadOfTimes);
  const half = Number.isFinite(error) ? student975(freedom) * error : error;
  const anHour = slope * 3600;
  return { anHour, interval: [anHour - half * 3600, anHour + half * 3600], blocks: n, mean };
}

/** Returns the mean time and value of each complete block. */
function blockMeans(points: readonly Point[], blockSeconds: number): Point[] {
  const startS = points[0]?.[0] ?? 0;
  const blocks = Map.groupBy(points, ([at]) => Math.floor((at - startS) / blockSeconds));
  const usual = median([...blocks.values()].map(block => block.length));
  return [...blocks.values()]
    .filter(block => block.length >= usual / 2)
    .map(block => [
      sum(block.map(([at]) => at)) / block.length,
      sum(block.map(([, value]) => value)) / block.length,
    ]);
}

/** The 97.5 % quantile of Student's t, by its expansion in 1/freedom (Abramowitz and Stegun, 26.7.5); within 1 % from 2 on. */
export function student975(freedom: number): number {
  const z = 1.959964;
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  const g4 = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160;
  return z + g1 / freedom + g2 / freedom ** 2 + g3 / freedom ** 3 + g4 / freedom ** 4;
}
