import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** About five frames at 1080p: what may lie about unreclaimed, over the frames in hand. */
const BYTES_BETWEEN = 16 * 2 ** 20;
/** Of larger frames so many: a look costs the same however few it finds. */
const FRAMES_BETWEEN = 3;
/** How far the heap, a few MB with us, and what hangs on it may grow before all of it is looked through. */
const GROWTH_PERCENT = 500;
/** Looks at the young generation for one at everything: every 20 s at 1080p30, ten milliseconds each. */
const LOOKS_BETWEEN = 128;

setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;
setFlagsFromString('--no-expose-gc');

let passedBytes = 0;
let looks = 0;

/**
 * Tells of a frame that has passed through, and every so often has the young generation collected.
 *
 * To V8 a frame is a young object of a hundred bytes that holds megabytes outside its heap. Left to itself it takes
 * those for a heap that has doubled and looks through everything, several times a second: half of all CPU time at
 * 1080p30. A frame is let go soon after it came, so the young generation is where it dies, and looking only there takes
 * half a millisecond. One that was held through two looks, on a busy machine, is no longer in there, and waits for a
 * look at everything.
 */
export function framePassed(bytes: number): void {
  passedBytes += bytes;
  if (passedBytes < Math.max(BYTES_BETWEEN, FRAMES_BETWEEN * bytes)) return;
  passedBytes = 0;
  looks += 1;
  collect({ type: looks % LOOKS_BETWEEN === 0 ? 'major' : 'minor' });
}
