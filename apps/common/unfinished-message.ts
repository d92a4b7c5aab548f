import { readFileSync } from 'node:fs';

/** How often `grows` has to be called. A peer on the loopback sends up to four gigabytes a second. */
export const GROWTH_LOOK_MS = 25;
/** What this process may take for other work meanwhile, e.g. for viewers that come while frames do not. */
const OTHER_WORK_BYTES = 64 * 2 ** 20;
const PAGE_BYTES = 4096;
/** A peer may send a topic or a header before each frame by mistake. Each part costs 1 kB and 3 µs, however short it is. */
const MOST_PARTS = 100;

/**
 * Such a message costs a processor and this process's memory until it is dropped, so the next comes later. What publishes
 * there may be mended at any moment, and the picture is to be live again within 5 s of that.
 */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 3000;

/**
 * Finds a message that does not end, or that ends too late. libzmq limits each part of a message and not how many there are,
 * and reports a message only once it is whole; so what grows in the meantime is this process.
 */
export class UnfinishedMessage {
  readonly #frameBytes: number;
  readonly #mostBytes: number;
  readonly #ownBytes: () => number | undefined;
  /** What the process had when the last message came; undefined until the next look. */
  #before: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  /**
   * @param frameBytes the longest frame that there is memory for
   * @param partBytes the longest part that libzmq takes
   */
  constructor(frameBytes: number, partBytes: number, ownBytes = anonymousBytes) {
    this.#frameBytes = frameBytes;
    this.#mostBytes = partBytes + OTHER_WORK_BYTES;
    this.#ownBytes = ownBytes;
  }

  /** A message has come whole. Returns what is wrong with it, if the next one like it could fill the memory. */
  heard(parts: number, bytes: number): string | undefined {
    if (parts > 1 && (parts > MOST_PARTS || bytes > this.#frameBytes))
      return `a message of ${parts} parts and ${Math.ceil(bytes / 2 ** 20)} MB`;
    this.#before = undefined;
    return undefined;
  }

  /** Returns how long to stay away from a peer after such a message: twice as long each time, up to 3 s. */
  pauseMs(): number {
    const now = this.#pauseMs;
    this.#pauseMs = Math.min(2 * now, LONGEST_PAUSE_MS);
    return now;
  }

  /** Returns whether the process has grown by more than a frame since the last message. Cost: 20 µs. */
  grows(): boolean {
    const now = this.#ownBytes();
    // Nothing was learnt, e.g. because no descriptor was left to ask with.
    if (now === undefined) return false;
    this.#before = Math.min(this.#before ?? now, now);
    if (now - this.#before <= this.#mostBytes) return false;
    this.#before = undefined;
    return true;
  }
}

/** Returns resident memory that is no file's, from /proc/self/statm (proc(5)); undefined if that cannot be read. */
function anonymousBytes(): number | undefined {
  try {
    const [, resident = 0, shared = 0] = readFileSync('/proc/self/statm', 'latin1').split(' ').map(Number);
    return (resident - shared) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}
