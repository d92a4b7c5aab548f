import { SIZES, type Size } from '../clips.ts';
import { number } from '../report.ts';
import { type Fit, fit, sum } from '../statistics.ts';

/** Viewers who get at least this share of the frames miss none that counts. */
const ALL = 0.95;
/** Twice the terms of the longer formula. */
const LEAST_POINTS = 10;

/** The services' cost at one size, rate and number of viewers. */
export interface Point {
  size: Size;
  fps: number;
  viewers: number;
  /** Frames a second that a viewer got; all of them if there was no viewer. */
  got: number;
  /** Millions of pixels a second through the chain. */
  megapixels: number;
  /** Megabytes a second to all viewers. */
  megabytes: number;
  /** CPU milliseconds a second. */
  cpu: Record<string, number>;
  residentMb: Record<string, number>;
}

/** Formulas of a point's CPU (per cent of one processor) and memory (MB). */
export interface Formulas {
  cpu: Fit;
  memory: Fit;
}

/** Whether the machine was full: the viewers did not get everything, so the point is not of the formulas. */
export const isFull = ({ fps, got }: Point): boolean => got < ALL * fps;

export const cpuPercentOf = ({ cpu }: Point): number => total(cpu) / 10;
export const memoryMbOf = ({ residentMb }: Point): number => total(residentMb);
const total = (values: Record<string, number>) => sum(Object.values(values));

/** The terms of each formula. */
export const TERMS = {
  // Frames that nobody watches are not encoded.
  cpu: ({ fps, megapixels, viewers, megabytes }: Point) => [
    1,
    fps,
    megapixels,
    viewers > 0 ? megapixels : 0,
    megabytes,
  ],
  memory: ({ size, megapixels }: Point) => [1, megapixelsOf(size), megapixels],
};

/** Returns the formulas that fit the points; undefined if there are too few. */
export function formulasOf(points: readonly Point[]): Formulas | undefined {
  const fitted = points.filter(point => !isFull(point));
  if (fitted.length < LEAST_POINTS) return undefined;
  return {
    cpu: fit(fitted.map(TERMS.cpu), fitted.map(cpuPercentOf)),
    memory: fit(fitted.map(TERMS.memory), fitted.map(memoryMbOf)),
  };
}

/** Returns the formulas in words. */
export function describe(formulas: Formulas | undefined): string[] {
  if (!formulas) return [`Fewer than ${LEAST_POINTS} measurements: no formula is made of them.`];
  const { cpu, memory } = formulas;
  const [fixed, aFrame, aMegapixel, watched, aMegabyte] = cpu.factors.map(factor => number(factor, 3));
  const [atRest, ofSize, ofRate] = memory.factors.map(factor => number(factor, 2));
  const above = ({ over }: Fit) => `measured at most ${number(100 * over, 0)} % above`;
  return [
    `CPU % of one processor = ${fixed} + ${aFrame} × frames/s + ${aMegapixel} × Mpixel/s + ` +
      `${watched} × Mpixel/s while anyone watches + ${aMegabyte} × MB/s to viewers; ${above(cpu)}`,
    `memory MB = ${atRest} + ${ofSize} × Mpixel a frame + ${ofRate} × Mpixel/s; ${above(memory)}`,
  ];
}

export function megapixelsOf(size: Size): number {
  const [width, height] = SIZES[size];
  return (width * height) / 1e6;
}
