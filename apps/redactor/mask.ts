import type { Frame } from '../common/frame.ts';

/** Full-range black: Y 0, Cb and Cr 128. In BGR it is 0. */
const BLACK_CHROMA = 128;

/** What decides which bytes a mask covers. Two frames that agree on it share a mask. */
export type MaskKey = Pick<Frame, 'width' | 'height' | 'format' | 'order'>;

/** Blackens a frame's border in its own bytes. */
export type Mask = (pixels: Uint8Array) => void;

/** The covered edges in pixels; an edge longer than its side covers the side. */
interface Border {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** One rectangle of samples inside the pixel bytes, rows packed. */
interface Plane {
  offset: number;
  width: number;
  height: number;
  sampleBytes: number;
  black: number;
  border: Border;
}

/**
 * The mask for a border of `widthPx`, made once a geometry and applied to every frame of it.
 *
 * The challenge's code draws rectangles with inclusive corners, so it blackens one pixel more at the top and left;
 * so do we. A chroma sample that a covered pixel shares with an uncovered one is covered.
 *
 * Cost at 1080p, 100 px, I420: about 1 770 runs, 1.4 MB set in place; no copy, no allocation.
 */
export function borderMask(key: MaskKey, widthPx: number): Mask {
  const runs = planes(key, widthPx).map(plane => ({ black: plane.black, bounds: coveredRuns(plane) }));
  return pixels => {
    for (const { black, bounds } of runs) {
      for (let i = 0; i < bounds.length; i += 2) pixels.fill(black, bounds[i], bounds[i + 1]);
    }
  };
}

function planes({ width, height, format, order }: MaskKey, widthPx: number): Plane[] {
  const border = { left: widthPx + 1, top: widthPx + 1, right: widthPx, bottom: widthPx };
  if (format !== 'i420') {
    if (order === 'C') return [{ offset: 0, width, height, sampleBytes: 3, black: 0, border }];
    // Fortran order: three planes, each with its columns packed, so that a plane's rows are the picture's columns.
    const turned = { left: border.top, top: border.left, right: border.bottom, bottom: border.right };
    return [0, 1, 2].map(channel => ({
      offset: channel * width * height,
      width: height,
      height: width,
      sampleBytes: 1,
      black: 0,
      border: turned,
    }));
  }
  const chromaWidth = Math.ceil(width / 2);
  const chromaHeight = Math.ceil(height / 2);
  // From the left, sample c lies under pixels 2c and 2c + 1; from the right, what counts is where cover begins.
  const chromaBorder = {
    left: Math.ceil(border.left / 2),
    top: Math.ceil(border.top / 2),
    right: chromaWidth - Math.floor(Math.max(0, width - border.right) / 2),
    bottom: chromaHeight - Math.floor(Math.max(0, height - border.bottom) / 2),
  };
  const lumaBytes = width * height;
  const chromaBytes = chromaWidth * chromaHeight;
  const chroma = {
    width: chromaWidth,
    height: chromaHeight,
    sampleBytes: 1,
    black: BLACK_CHROMA,
    border: chromaBorder,
  };
  return [
    { offset: 0, width, height, sampleBytes: 1, black: 0, border },
    { offset: lumaBytes, ...chroma },
    { offset: lumaBytes + chromaBytes, ...chroma },
  ];
}

/** Start and end of each run of covered bytes. The end of one row and the start of the next are one run. */
function coveredRuns({ offset, width, height, sampleBytes, border }: Plane): Uint32Array {
  const stride = width * sampleBytes;
  const end = offset + stride * height;
  const firstOpenRow = Math.min(border.top, height);
  const openRows = Math.max(0, height - border.bottom - firstOpenRow);
  const openStart = Math.min(border.left, width) * sampleBytes;
  const openEnd = Math.max(0, width - border.right) * sampleBytes;
  if (openRows === 0 || openEnd <= openStart) return Uint32Array.of(offset, end);

  const bounds = new Uint32Array(2 * (openRows + 1));
  bounds[0] = offset;
  for (let row = 0; row < openRows; row += 1) {
    const rowStart = offset + (firstOpenRow + row) * stride;
    bounds[2 * row + 1] = rowStart + openStart;
    bounds[2 * row + 2] = rowStart + openEnd;
  }
  bounds[2 * openRows + 1] = end;
  return bounds;
}
