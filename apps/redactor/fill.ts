import type { Plane } from '../common/pixels.ts';

/** An opaque colour, 0 to 255 each. */
export interface Colour {
  red: number;
  green: number;
  blue: number;
}

/** The bytes of one sample, by what its plane holds. */
export type Samples = Readonly<Record<Plane['holds'], readonly number[]>>;

/** Reads `#rrggbb`. */
export function colourOf(hex: string): Colour {
  const value = Number.parseInt(hex.slice(1), 16);
  return { red: value >> 16, green: (value >> 8) & 255, blue: value & 255 };
}

/** Returns a colour's samples. YCbCr is full-range BT.601, by the formulas of JFIF 1.02. */
export function samplesOf({ red, green, blue }: Colour): Samples {
  const y = 0.299 * red + 0.587 * green + 0.114 * blue;
  const cb = 128 - 0.168736 * red - 0.331264 * green + 0.5 * blue;
  const cr = 128 + 0.5 * red - 0.418688 * green - 0.081312 * blue;
  const byte = (value: number) => [Math.min(255, Math.round(value))];
  return {
    y: byte(y),
    cb: byte(cb),
    cr: byte(cr),
    bgr: [blue, green, red],
    b: [blue],
    g: [green],
    r: [red],
  };
}

/** Returns black or white, whichever shows better on the colour. */
export function contrasting({ red, green, blue }: Colour): Colour {
  const level = 0.299 * red + 0.587 * green + 0.114 * blue < 128 ? 255 : 0;
  return { red: level, green: level, blue: level };
}
