/** Clips whose pictures carry their number, so that a viewer can tell which one it was shown. */
import { makeClip } from '../support/clips.ts';
import type { Decoded } from '../support/jpeg.ts';

export const FPS = 25;
const BITS = 8;
/** Cells before the number that no picture has there by chance, and a parity cell after it. */
const START = [1, 0, 1, 1] as const;
const CELLS = START.length + BITS + 1;
/** A cell is this part of the picture's width, and twice that of its height. */
const SHARE = 20;
const FIRST = (SHARE - CELLS) / 2;

/** A white frame from below the border on, so that a border that is too narrow shows; and the number in the middle. */
function filters(): string {
  const cell = (index: number, enable: string) =>
    `drawbox=x=iw*${FIRST + index}/${SHARE}:y=ih*9/${SHARE}:w=iw/${SHARE}:h=ih/10:color=white:t=fill:enable='${enable}'`;
  const halves = Array.from({ length: BITS }, (_, bit) => `floor(n/${2 ** bit})`);
  return [
    'drawbox=x=24:y=24:w=iw-48:h=ih-48:color=white:t=32',
    `drawbox=x=iw*${FIRST}/${SHARE}:y=ih*9/${SHARE}:w=iw*${CELLS}/${SHARE}:h=ih/10:color=black:t=fill`,
    ...START.flatMap((one, index) => (one ? [cell(index, '1')] : [])),
    ...halves.map((half, bit) => cell(START.length + bit, `gte(mod(${half},2),1)`)),
    // The sum of all halves of a number has the parity of its ones.
    cell(CELLS - 1, `gte(mod(${halves.join('+')},2),1)`),
  ].join(',');
}

/** Writes a clip of at most 256 pictures. */
export function makeNumberedClip(path: string, size: string, seconds: number): Promise<string> {
  return makeClip(path, { size, seconds, fps: FPS, filters: filters() });
}

/** Returns the number that a picture carries; undefined if it carries none. */
export function numberOf({ width, height, rgba }: Decoded): number | undefined {
  const y = height >> 1;
  const cells = Array.from({ length: CELLS }, (_, index) => {
    const x = Math.floor(((FIRST + index + 0.5) * width) / SHARE);
    return rgba[4 * (y * width + x) + 1]! > 127 ? 1 : 0;
  });
  if (START.some((one, index) => cells[index] !== one)) return undefined;
  const bits = cells.slice(START.length, -1);
  const ones = bits.reduce<number>((sum, bit) => sum + bit, 0);
  if (ones % 2 !== cells.at(-1)) return undefined;
  return bits.reduce<number>((sum, bit, place) => sum + bit * 2 ** place, 0);
}
