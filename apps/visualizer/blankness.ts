import type { Frame } from '../common/frame.ts';

const LOOK_MS = 1000;
/** A clip may fade to black for a moment. */
const LOOKS = 5;
const SAMPLES = 1024;
/** Samples that differ by less are one colour: compression is not exact. */
const TOLERANCE = 3;
/** A label that stands on the cover is drawn in a few of them. */
const LEAST_SHARE = 0.99;

/**
 * Knows whether a picture has had one colour throughout for several seconds. Nobody can tell from outside whether the mask
 * covers all of it or the clip is dark. Cost: 1024 samples of one frame a second.
 */
export class Blankness {
  #lookedMs = Number.NEGATIVE_INFINITY;
  #inARow = 0;
  #isKnown = false;

  /** Null if no picture has been looked at, e.g. because a relay has no pixels. */
  get blank(): boolean | null {
    return this.#isKnown ? this.#inARow >= LOOKS : null;
  }

  look(frame: Pick<Frame, 'pixels' | 'format' | 'width' | 'height'>, nowMs: number): void {
    if (nowMs - this.#lookedMs < LOOK_MS || frame.pixels.length === 0) return;
    this.#lookedMs = nowMs;
    this.#isKnown = true;
    this.#inARow = isOneColour(frame) ? this.#inARow + 1 : 0;
  }
}

function isOneColour({
  pixels,
  format,
  width,
  height,
}: Pick<Frame, 'pixels' | 'format' | 'width' | 'height'>): boolean {
  const isPlanar = format === 'i420';
  const bytes = isPlanar ? width * height : pixels.length;
  // Odd, so that it does not go down one column of a picture whose width is a power of two; of three samples always the same one.
  const step = (Math.floor(bytes / SAMPLES / (isPlanar ? 1 : 3)) | 1) * (isPlanar ? 1 : 3);
  const shade = pixels[step * Math.floor(bytes / step / 2)]!;
  let alike = 0;
  let count = 0;
  for (let at = 0; at < bytes; at += step) {
    count += 1;
    if (Math.abs(pixels[at]! - shade) <= TOLERANCE) alike += 1;
  }
  return alike >= LEAST_SHARE * count;
}
