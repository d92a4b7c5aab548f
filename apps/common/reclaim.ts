import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Frame } from './frame.ts';

/** What may lie about unreclaimed, over the frames in hand. */
const BYTES_BETWEEN = 8 * 2 ** 20;
/** Of frames of more than 2 MB so many. With three, a frame was often held through two looks, which V8 takes for a long life. */
const FRAMES_BETWEEN = 4;
/** How far what is held may grow before everything is looked through, as a multiple of what passes between two looks. */
const GROWTH = 1;
/** Looks at the young generation for one at everything at the least: every 17 s at 1080p30. */
const LOOKS_BETWEEN = 128;
/** How far the heap, a few MB with us, and what hangs on it may grow before V8 looks through all of it by itself. */
const HEAP_GROWTH_PERCENT = 500;

setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
// Without it V8 starts a look at everything for each 64 MB held outside its heap: every third frame of 4K that is received.
setFlagsFromString('--external-memory-accounted-in-global-limit');
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;
setFlagsFromString('--no-expose-gc');

let passedBytes = 0;
/** Since everything was looked through. */
let looks = 0;
/** The least that was held since then. */
let leastHeld = Number.POSITIVE_INFINITY;

/**
 * Tells of a frame that has passed through, and every so often has the young generation collected.
 *
 * To V8 a frame is a young object of a hundred bytes that holds megabytes outside its heap. Left to itself it takes
 * those for a heap that has doubled and looks through everything, several times a second: half of all CPU time at
 * 1080p30. A frame is let go soon after it came, so the young generation is where it dies, and looking only there takes
 * half a millisecond. One that was held through two looks, on a busy machine, is no longer in there, nor is the little
 * that each write to a viewer leaves. They wait until much is held, or for their turn, when we look at everything: ten
 * milliseconds.
 */
export function framePassed(bytes: number): void {
  passedBytes += bytes;
  const bytesBetween = Math.max(BYTES_BETWEEN, FRAMES_BETWEEN * bytes);
  if (passedBytes < bytesBetween) return;
  passedBytes = 0;
  const held = getHeapStatistics().external_memory;
  leastHeld = Math.min(leastHeld, held);
  looks += 1;
  if (looks < LOOKS_BETWEEN && held <= leastHeld + GROWTH * bytesBetween) {
    collect({ type: 'minor' });
  } else {
    collect({ type: 'major' });
    looks = 0;
    // What it frees is given back a little later: the next look is the first to see it.
    leastHeld = Number.POSITIVE_INFINITY;
  }
}

/**
 * Gives a received frame's memory back at once, in place of when it is looked for: its message and pixels are empty then.
 *
 * Not for a frame that has been sent. libzmq reads it until it has left, and tells nobody when that is.
 */
export function release({ message }: Pick<Frame, 'message'>): void {
  const { buffer } = message;
  // A small one may share its memory with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === message.byteLength) buffer.transfer(0);
}
