/** Longest wait for a line that ffmpeg wrote before the frame itself. */
const LINE_TIMEOUT_MS = 1000;

const SHOWINFO = /^\[Parsed_showinfo_\d+ @ \w+\] \[info\] (?:n:\s*\d+ pts:\s*(-?\d+|NOPTS))?/;

/**
 * Pairs frames with the presentation times that ffmpeg's `showinfo` filter tells on stderr, one line a frame, written
 * before the frame's bytes. The filter stands behind `settb=1/1000000`, so its pts are microseconds.
 */
export class Timestamps {
  readonly #intervalUs: number;
  readonly #told: (number | undefined)[] = [];
  #first: number | undefined;
  #last: number | undefined;
  #wake: (() => void) | undefined;

  /** @param intervalUs what stands between two frames where the stream has no times */
  constructor(intervalUs: number) {
    this.#intervalUs = intervalUs;
  }

  /** Takes a line of ffmpeg's log; answers whether it was the filter's. */
  read(line: string): boolean {
    const match = SHOWINFO.exec(line);
    if (!match) return false;
    if (match[1] !== undefined) {
      this.#told.push(match[1] === 'NOPTS' ? undefined : Number(match[1]));
      this.#wake?.();
    }
    return true;
  }

  /** Microseconds from the first frame to the next one in order. */
  async next(): Promise<number> {
    if (this.#told.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, LINE_TIMEOUT_MS);
      await promise;
      clearTimeout(timer);
      this.#wake = undefined;
    }
    const pts = this.#told.shift() ?? (this.#last === undefined ? 0 : this.#last + this.#intervalUs);
    this.#first ??= pts;
    this.#last = pts;
    return Math.min(Math.max(0, pts - this.#first), Number.MAX_SAFE_INTEGER);
  }
}
