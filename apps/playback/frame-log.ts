import { randomBytes } from 'node:crypto';
import { Fault } from '../common/errors.ts';
import { isGeometry, MAX_PIXELS, MAX_SIDE } from '../common/pixels.ts';

/** What ffmpeg logs about a picture before it writes it. */
export interface FrameLine {
  width: number;
  height: number;
  /** Presentation time in microseconds; undefined where the stream has none. */
  ptsUs: number | undefined;
}

/**
 * Reads the lines in which ffmpeg's `showinfo` filter logs each picture that leaves the filters, before its bytes.
 *
 * The filter has a random name, so that no text out of a file can pass for one of its lines.
 */
export class FrameLog {
  /** For the end of ffmpeg's chain of filters, behind `settb=1/1000000`. */
  readonly filter: string;
  readonly #start: string;
  /** The filter counts from 0, again after each change of size or format. */
  #number = 0;

  constructor() {
    const name = `showinfo@${randomBytes(8).toString('hex')}`;
    this.filter = `${name}=checksum=0`;
    this.#start = `[${name} @ `;
  }

  /**
   * Returns what the line says about a picture, `nothing` for the filter's other lines, undefined for anyone else's.
   *
   * @throws Fault `decoder-failed` where a picture's line is missing: its size could be another one; `bad-clip` for a
   *   picture that no frame can hold
   */
  read(line: string): FrameLine | 'nothing' | undefined {
    if (!line.startsWith(this.#start)) return undefined;
    const match = /\] n:\s*(\d+) pts:\s*(-?\d+|NOPTS) .* s:(\d+)x(\d+) /.exec(line);
    if (!match) {
      if (line.includes('] config in ')) this.#number = 0;
      return 'nothing';
    }
    const [, number, pts, width, height] = match;
    if (Number(number) !== this.#number) {
      throw new Fault(
        'decoder-failed',
        `ffmpeg logged picture ${number} where ${this.#number} was expected; start playback again`,
      );
    }
    this.#number += 1;
    const size = { width: Number(width), height: Number(height) };
    if (!isGeometry(size.width, size.height)) {
      throw new Fault(
        'bad-clip',
        `DATA_FILE has a picture of ${width}×${height} in it; what plays is 1×1 to ${MAX_SIDE}×${MAX_SIDE} and ${MAX_PIXELS} pixels; set it to another file`,
      );
    }
    return { ...size, ptsUs: pts === 'NOPTS' ? undefined : Number(pts) };
  }
}
