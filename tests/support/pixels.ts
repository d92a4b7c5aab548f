/** Counts and compares the pixels of a picture. */
import type { Decoded } from './jpeg.ts';

export type Where = (x: number, y: number) => boolean;
export type Colour = (red: number, green: number, blue: number) => boolean;

function* pixels({ width, rgba }: Decoded) {
  for (let i = 0, p = 0; i < rgba.length; i += 4, p++) {
    yield [p % width, Math.floor(p / width), rgba[i]!, rgba[i + 1]!, rgba[i + 2]!] as const;
  }
}

/** Returns how many pixels are there. */
export function area(image: Decoded, where: Where): number {
  let n = 0;
  for (const [x, y] of pixels(image)) if (where(x, y)) n++;
  return n;
}

/** Returns how many pixels have that colour. */
export function count(image: Decoded, colour: Colour): number {
  let n = 0;
  for (const [, , red, green, blue] of pixels(image)) if (colour(red, green, blue)) n++;
  return n;
}

/** Returns the mean difference over all channels, in levels of 255. */
export function meanDifference(a: Decoded, b: Decoded, where: Where): number {
  let [sum, n] = [0, 0];
  for (const [x, y, red, green, blue] of pixels(a)) {
    if (!where(x, y)) continue;
    const i = 4 * (y * b.width + x);
    sum += Math.abs(red - b.rgba[i]!) + Math.abs(green - b.rgba[i + 1]!) + Math.abs(blue - b.rgba[i + 2]!);
    n += 3;
  }
  return sum / n;
}
