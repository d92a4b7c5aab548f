import type { Decoded } from './jpeg.ts';

/** A marking that would be HTML, and a colour on which only black can be read. */
export const MARKING = { text: 'TEST <b>ONLY</b> & "NOT" SECRET//REL', color: '#ffcc00' };

const pixel = ({ width, rgba }: Decoded, x: number, y: number) => [
  ...rgba.subarray(4 * (y * width + x), 4 * (y * width + x) + 3),
];

/** Whether rows of a picture are a band: the colour at both ends, and dark writing in its middle. */
export function isBand(picture: Decoded, from: number, to: number): boolean {
  const near = (at: number[], wanted: number[]) => at.every((value, i) => Math.abs(value - wanted[i]!) < 30);
  const middle = Math.round((from + to) / 2);
  let writing = 0;
  for (let y = from + 4; y < to - 4; y++) {
    if (!near(pixel(picture, 1, y), [255, 204, 0])) return false;
    for (let x = 0; x < picture.width; x++) if (near(pixel(picture, x, y), [0, 0, 0])) writing += 1;
  }
  return near(pixel(picture, picture.width - 2, middle), [255, 204, 0]) && writing > 30;
}
