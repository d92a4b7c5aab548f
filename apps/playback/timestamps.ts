/** Longest wait for a frame's line, which ffmpeg writes before the frame itself. */
const LINE_TIMEOUT_MS = 1000;

const SHOWINFO = /^\[Parsed_showinfo_\d+ @ \w+\] \[info\] (?:n:\s*\d+ pts:\s*(-?\d+|NOPTS))?/;

/**
 * Pairs frames with the presentation times that ffmpeg's `showinfo` filter logs on stderr: one line a frame, before the
 * frame's bytes. The filter follows `settb=1/1000000`, so its pts are microseconds.
 */
export class Timestamps {
  readonly #intervalUs: number;
  readonly #times: (number | undefined)[] = [];
  #first: number | undefined;
  #last: number | undefined;
  #wake: (() => void) | undefined;

  /** @param intervalUs time between two frames if the stream has no times */
  constructor(intervalUs: number) {
    this.#intervalUs = intervalUs;
  }

  /** Takes a line of ffmpeg's log. Returns true if it was the filter's. */
  read(line: string): boolean {
    const match = SHOWINFO.exec(line);
    if (!match) return false;
    if (match[1] !== undefined) {
      this.#times.push(match[1] === 'NOPTS' ? undefined : Number(match[1]));
      this.#wake?.();
    }
    return true;
  }

  /** Returns the next frame's time, in microseconds from the first frame. */
  async next(): Promise<number> {
    if (this.#times.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, LINE_TIMEOUT_MS);
      await promise;
      clearTimeout(timer);
      this.#wake = undefined;
    }
    const pts = this.#times.shift() ?? (this.#last === undefined ? 0 : this.#last + this.#intervalUs);
    this.#first ??= pts;
    this.#last = pts;
    return Math.min(Math.max(0, pts - this.#first), Number.MAX_SAFE_INTEGER);
  }
}
