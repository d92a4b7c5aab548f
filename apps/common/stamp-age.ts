import { unixNanoseconds } from './clock.ts';
import type { Stamp } from './frame.ts';

/** Ages outside of this are a matter of clocks: a frame is never younger than 0, and none takes a minute. */
const PLAUSIBLE_AGE_MS = { least: -1000, most: 60_000 };

/**
 * Returns a frame's age in milliseconds since it was published; null if it is not known, or the clocks disagree. It is 0 while
 * the publisher's clock is ahead by less than a second.
 */
export function ageMs(stamp: Stamp | undefined): number | null {
  const age = stamp && rawAgeMs(stamp);
  return age !== undefined && isPlausible(age) ? Math.max(0, age) : null;
}

/** Returns the same, however implausible it is. */
export const rawAgeMs = ({ publishedAtNs }: Stamp): number =>
  Number((unixNanoseconds() - publishedAtNs) / 1000n) / 1000;

export const isPlausible = (age: number): boolean =>
  age >= PLAUSIBLE_AGE_MS.least && age <= PLAUSIBLE_AGE_MS.most;
