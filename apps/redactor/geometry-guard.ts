import type { Frame } from '../common/frame.ts';
import { pixelBytes } from '../common/pixels.ts';

interface Shown {
  width: number;
  height: number;
  bytes: number;
  sequence: bigint;
  publishedAtNs: bigint;
}

/**
 * Stands against a header that lies. With width and height exchanged, or any others of the same product, a message has
 * the length that it should, and its border would be looked for in the wrong place. So between two shapes of as many
 * bytes the picture may change only where a publisher starts anew, which its sequence shows.
 *
 * A pickle is not concerned: it says its shape itself, and one that the header contradicts is no frame.
 */
export class GeometryGuard {
  #last: Shown | undefined;

  /** Returns why a frame's shape can't be believed, or nothing. */
  doubt({ width, height, format, stamp }: Frame): string | undefined {
    const last = this.#last;
    if (!stamp) return undefined;
    const bytes = pixelBytes(format, width, height);
    const isSameShape = last?.width === width && last.height === height;
    if (last && !isSameShape && bytes === last.bytes && !isNewStart(last, stamp)) {
      return (
        `the picture changed from ${last.width}×${last.height} to ${width}×${height} without a new start, ` +
        'and both are as many bytes; if the new size is right, restart the redactor'
      );
    }
    this.#last = { width, height, bytes, ...stamp };
    return undefined;
  }
}

/** A publisher that starts anew numbers from 0 again. Its second shape may come after a single frame of the first. */
function isNewStart(
  last: Shown,
  { sequence, publishedAtNs }: Pick<Shown, 'sequence' | 'publishedAtNs'>,
): boolean {
  return sequence < last.sequence || (sequence === last.sequence && publishedAtNs > last.publishedAtNs);
}
