import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Frame } from './frame.ts';

/** Bytes of frames that may be uncollected, in addition to the frames in use. */
const BYTES_BETWEEN = 8 * 2 ** 20;
/** Collect at most once per this many large frames. With 3, frames often survived two minor collections and were promoted. */
const FRAMES_BETWEEN = 4;
/** Memory held outside the heap may grow this much before a major collection, as a multiple of what passes between two collections. */
const GROWTH = 1;
/** At most this many minor collections per major one: one every 17 s at 1080p30. */
const MINOR_PER_MAJOR = 128;
/** At least one major collection in this time: frames that are small or rare cause none, and each round of a clip leaves 60 kB. */
const LONGEST_MS = 60_000;
/** How much the heap (a few MB) and the memory attached to it may grow before V8 starts a major collection by itself. */
const HEAP_GROWTH_PERCENT = 500;

type Collect = (options: { type: 'minor' | 'major' }) => void;

/** Sets V8's switches and returns its collector. Done at the first frame, so that importing this file changes nothing. */
function takeOver(): Collect {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
  // Otherwise V8 starts a major collection for each 64 MB held outside its heap: for every third 4K frame received.
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

let collect: Collect | undefined;
let passedBytes = 0;
let lastBytes = 0;
let majorMs = performance.now();
/** Minor collections since the last major one. */
let minors = 0;
/** The least that was held outside the heap since then. */
let leastHeld = Number.POSITIVE_INFINITY;

/**
 * Counts a frame that has passed through and, every few frames, collects V8's young generation.
 *
 * To V8 a frame is a young object of a hundred bytes with megabytes outside the heap. Left alone, V8 reads those
 * megabytes as a heap that has doubled and runs a major collection several times a second: half of all CPU time at
 * 1080p30. Frames die young, so a minor collection (half a millisecond) finds them. A frame that survives two minor
 * collections on a busy machine is promoted, and so are the small leftovers of each write to a viewer. A major
 * collection (ten milliseconds) finds those, when much memory is held or after a fixed number of minor ones.
 *
 * @param old bytes more that may be held before a major collection, where frames are kept until they are old
 */
export function framePassed(bytes: number, old = 0): void {
  collect ??= takeOver();
  // The larger frames before are old by now, and the few minor collections that smaller ones cause never find them.
  if (2 * bytes < lastBytes) minors = MINOR_PER_MAJOR;
  lastBytes = bytes;
  passedBytes += bytes;
  const nowMs = performance.now();
  if (nowMs - majorMs > LONGEST_MS) minors = MINOR_PER_MAJOR;
  const bytesBetween = Math.max(BYTES_BETWEEN, FRAMES_BETWEEN * bytes);
  if (passedBytes < bytesBetween && nowMs - majorMs <= LONGEST_MS) return;
  passedBytes = 0;
  const held = getHeapStatistics().external_memory;
  leastHeld = Math.min(leastHeld, held);
  minors += 1;
  if (minors < MINOR_PER_MAJOR && held <= leastHeld + GROWTH * bytesBetween + old) {
    collect({ type: 'minor' });
  } else {
    collect({ type: 'major' });
    minors = 0;
    majorMs = nowMs;
    // V8 returns the memory a little later, so the next collection is the first to see it.
    leastHeld = Number.POSITIVE_INFINITY;
  }
}

/** Counts what a frame leaves besides itself, e.g. a picture in several forms: it is collected with one of the next frames. */
export function leftByFrame(bytes: number): void {
  passedBytes += bytes;
}

/** Collects whatever nothing refers to any more. Cost: some ten milliseconds. */
export function collectAll(): void {
  collect ??= takeOver();
  collect({ type: 'major' });
}

/** What viewers leave behind in the heap is collected when it is this much: 3000 short streams. */
const LEFT_BEHIND_BYTES = 24 * 2 ** 20;
let leastUsed = Number.POSITIVE_INFINITY;

/**
 * Runs a major collection if the heap has grown. Small frames pass for minutes before `framePassed` gets to one, and
 * streams that come and go leave old objects meanwhile. To be called every few seconds.
 */
export function collectLeftBehind(): void {
  const { used_heap_size: used } = getHeapStatistics();
  leastUsed = Math.min(leastUsed, used);
  if (used < leastUsed + LEFT_BEHIND_BYTES) return;
  collect ??= takeOver();
  // The handles of closed connections go with one collection, and what they held with the next.
  collect({ type: 'major' });
}

/**
 * Returns a received frame's memory at once instead of at the next collection. Its message and pixels are empty afterwards.
 *
 * Not for a frame that was sent: libzmq reads it until it has left, and does not report when that is.
 */
export function release({ message }: Pick<Frame, 'message'>): void {
  const { buffer } = message;
  // A small message may share its memory with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === message.byteLength) buffer.transfer(0);
}
