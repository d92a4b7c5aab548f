/** How the pixels of each wire format lie in memory, and which sizes a picture may have. */

/**
 * `i420`: Y plane, then U, then V, chroma ⌈w/2⌉×⌈h/2⌉, full-range BT.601. `bgr24`: rows packed, 3 bytes a pixel.
 * `numpy`: the pickle of a `uint8` array (height, width, 3) in BGR order.
 */
export const WIRE_FORMATS = ['i420', 'bgr24', 'numpy'] as const;
export type WireFormat = (typeof WIRE_FORMATS)[number];

/** How an array's elements follow each other: rows packed, or columns (NumPy's Fortran order). */
export type MemoryOrder = 'C' | 'F';

/** All that decides where a picture's samples lie. `F` occurs only in a pickle. */
export interface PixelLayout {
  width: number;
  height: number;
  format: WireFormat;
  order: MemoryOrder;
}

/** One rectangle of samples. Sample (x, y) starts at `offset` + x × `columnStride` + y × `rowStride`. */
export interface Plane {
  holds: 'y' | 'cb' | 'cr' | 'bgr' | 'b' | 'g' | 'r';
  /** Bytes from the first pixel byte. */
  offset: number;
  /** Samples in a row, and rows. */
  width: number;
  height: number;
  sampleBytes: number;
  /** Bytes from a sample to the next in its row. */
  columnStride: number;
  /** Bytes from a sample to the one below it. */
  rowStride: number;
  /** A sample belongs to 2^shift pixels in each direction; at an odd edge to those that exist. */
  shift: 0 | 1;
}

/** A GOES full disk at 1 km is 10 848 pixels a side; this is the next power of two. */
export const MAX_SIDE = 16_384;
export const MAX_PIXELS = 2 ** 27;

/** Returns whether any receiver would accept a picture of this size. */
export function isGeometry(width: number, height: number): boolean {
  return isSide(width) && isSide(height) && width * height <= MAX_PIXELS;
}

const isSide = (pixels: number) => Number.isInteger(pixels) && pixels > 0 && pixels <= MAX_SIDE;

/** Returns the bytes of the pixels alone. */
export function pixelBytes(format: WireFormat, width: number, height: number): number {
  if (format !== 'i420') return width * height * 3;
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/** Returns a picture's planes in the order of their bytes. Together they are exactly `pixelBytes`, at any odd size. */
export function planesOf({ width, height, format, order }: PixelLayout): Plane[] {
  if (format === 'i420') {
    const luma = packed('y', 0, width, height, 1, 0);
    const chromaWidth = Math.ceil(width / 2);
    const chromaHeight = Math.ceil(height / 2);
    const chroma = (holds: 'cb' | 'cr', offset: number) =>
      packed(holds, offset, chromaWidth, chromaHeight, 1, 1);
    return [luma, chroma('cb', width * height), chroma('cr', width * height + chromaWidth * chromaHeight)];
  }
  if (order === 'C') return [packed('bgr', 0, width, height, 3, 0)];
  // Element (y, x, channel) of Fortran order lies at y + height × (x + width × channel).
  return (['b', 'g', 'r'] as const).map((holds, channel) => ({
    ...packed(holds, channel * width * height, width, height, 1, 0),
    columnStride: height,
    rowStride: 1,
  }));
}

function packed(
  holds: Plane['holds'],
  offset: number,
  width: number,
  height: number,
  sampleBytes: number,
  shift: 0 | 1,
): Plane {
  const rowStride = width * sampleBytes;
  return { holds, offset, width, height, sampleBytes, columnStride: sampleBytes, rowStride, shift };
}
