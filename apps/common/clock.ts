const STEP_MS = 5;

let offsetMs = performance.timeOrigin;

/**
 * Returns the wall clock in Unix nanoseconds, at the monotonic clock's microsecond resolution.
 * It follows the system clock when that is stepped or slewed by more than 5 ms.
 */
export function unixNanoseconds(): bigint {
  const monotonicMs = performance.now();
  const wallMs = Date.now();
  // Date.now() is cut to whole milliseconds, so agreement means within [0, 1) ms.
  if (Math.abs(wallMs - (offsetMs + monotonicMs)) > STEP_MS) offsetMs = wallMs - monotonicMs;
  return BigInt(Math.round((offsetMs + monotonicMs) * 1000)) * 1000n;
}
