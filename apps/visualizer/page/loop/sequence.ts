export type Direction = 'forward' | 'backward' | 'rock';

/** How a loop runs through its frames. */
export interface Pace {
  direction: Direction;
  /** Multiplies AWIPS's four frames a second. */
  speed: number;
  firstDwellMs: number;
  lastDwellMs: number;
}

/** AWIPS's default. */
export const DEFAULT_PACE: Readonly<Pace> = {
  direction: 'forward',
  speed: 1,
  firstDwellMs: 700,
  lastDwellMs: 1500,
};

const FRAME_MS = 250;

/** Returns how long a frame stays: a dwell applies at both ends, whatever the direction. */
export function holdMs(index: number, length: number, pace: Pace): number {
  const frameMs = FRAME_MS / pace.speed;
  if (index === length - 1) return Math.max(frameMs, pace.lastDwellMs);
  if (index === 0) return Math.max(frameMs, pace.firstDwellMs);
  return frameMs;
}

export interface Place {
  index: number;
  /** Which way a rocking loop runs now. */
  heading: 1 | -1;
}

/** Returns the place that follows. */
export function nextPlace({ index, heading }: Place, length: number, direction: Direction): Place {
  if (direction === 'forward') return { index: (index + 1) % length, heading: 1 };
  if (direction === 'backward') return { index: (index - 1 + length) % length, heading: -1 };
  if (length < 2) return { index: 0, heading };
  const ahead = index + heading;
  const turned = ahead < 0 || ahead >= length ? (-heading as 1 | -1) : heading;
  return { index: index + turned, heading: turned };
}

/** Returns one whole round: each frame in turn and how long it stays. */
export function roundOf(length: number, pace: Pace): { index: number; holdMs: number }[] {
  const indexes = Array.from({ length }, (_, index) => index);
  if (pace.direction === 'backward') indexes.reverse();
  if (pace.direction === 'rock') indexes.push(...indexes.slice(1, -1).reverse());
  return indexes.map(index => ({ index, holdMs: holdMs(index, length, pace) }));
}
