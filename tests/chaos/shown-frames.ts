import type { Decoded } from '../support/jpeg.ts';
import { FPS, numberOf } from './numbered-clip.ts';

/** A whole number of JPEG's blocks on each side of every clip here. */
export const BORDER_PX = 32;
/** Decoders smooth chroma across blocks, so the last pixel has a little of its neighbour's. What is beside the border is white. */
const BLACK = 24;
/** Where any byte may have been changed, chroma has more to spread. */
const NEARLY_BLACK = 96;
/** The redactor covers one pixel more at the top and left; that one shares its block with a white frame. */
const DARK = 110;
/** A position goes back where the clip begins again, and not where a frame is out of order. */
const BEGINNING_MS = 1000;

/** What an event says of its picture. */
export interface Shown {
  seq: number;
  /** Unix ms. */
  publishedAt: number;
  /** µs into the clip. */
  position: number;
}

/** What a fault makes the events of its time say wrongly. */
export type Lie = 'time' | 'position' | 'anything';

/** How the clip runs at the moment. */
export interface Pace {
  /** Where 1 is its own rate. */
  speed?: number;
  /** After this long the same place may be shown again, because the clip has begun again; it is longer than any show if not given. */
  roundMs?: number;
}

/** Finds what no viewer may see among the pictures that one is shown. */
export class ShownFrames {
  /** What the events may lie about at the moment. */
  lie: Lie | undefined;
  pace: Pace = {};
  #before: Shown | undefined;

  /** Returns what is wrong with the next picture, in words. Without the picture itself, only what is said of it is looked at. */
  look(shown: Shown, picture?: Decoded): string[] {
    const before = this.#before;
    this.#before = shown;
    return [
      ...(before ? this.#order(before, shown) : []),
      ...(picture ? [this.#content(shown, picture), border(picture, this.lie === 'anything')] : []),
    ].flatMap(words => (words ? [`frame ${shown.seq}: ${words}`] : []));
  }

  #order(before: Shown, { publishedAt, position }: Shown): string[] {
    const faults: string[] = [];
    if (this.lie === 'anything') return faults;
    const laterMs = publishedAt - before.publishedAt;
    if (this.lie !== 'time' && laterMs <= 0)
      faults.push(`published at ${publishedAt}, and the one shown before it at ${before.publishedAt}`);
    const where = `${position} µs into the clip, and the one shown before it ${before.position} µs`;
    if (this.lie === 'position') return faults;
    const { speed = 1, roundMs = Number.POSITIVE_INFINITY } = this.pace;
    if (position === before.position && position > 0 && laterMs < roundMs)
      faults.push(`shown twice: ${where}`);
    else if (position < before.position && position / 1000 > BEGINNING_MS + speed * Math.max(0, laterMs))
      faults.push(`out of order: ${where}`);
    return faults;
  }

  #content({ position }: Shown, picture: Decoded): string | undefined {
    const number = numberOf(picture);
    const expected = Math.round((position / 1e6) * FPS);
    if (this.lie === 'anything' || this.lie === 'position') return undefined;
    if (number === undefined || number === expected) return undefined;
    return `it is picture ${number} of the clip, and says that it is picture ${expected}`;
  }
}

function border(picture: Decoded, isDamaged: boolean): string | undefined {
  const { width, height } = picture;
  const size = `of ${width}×${height}`;
  const px = Math.min(BORDER_PX, width >> 1, height >> 1);
  const ring = Math.max(
    brightest(picture, 0, 0, width, px),
    brightest(picture, 0, height - px, width, height),
    brightest(picture, 0, px, px, height - px),
    brightest(picture, width - px, px, width, height - px),
  );
  if (ring > (isDamaged ? NEARLY_BLACK : BLACK)) return `${size}: there is ${ring} in its border`;
  if (isDamaged) return undefined;
  const more = Math.max(
    brightest(picture, px, px, width - px, px + 1),
    brightest(picture, px, px, px + 1, height - px),
  );
  return more > DARK ? `${size}: there is ${more} in the last line of its border` : undefined;
}

/** Returns the brightest channel within a rectangle. */
function brightest({ width, rgba }: Decoded, left: number, top: number, right: number, bottom: number) {
  let most = 0;
  for (let y = top; y < bottom; y += 1) {
    for (let at = 4 * (y * width + left); at < 4 * (y * width + right); at += 4)
      most = Math.max(most, rgba[at]!, rgba[at + 1]!, rgba[at + 2]!);
  }
  return most;
}
