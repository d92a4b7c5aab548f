import { MAX_PIXELS, MAX_SIDE } from '../../common/pixels.ts';

const START = 0xffd8;
const END = 0xffd9;
const SCAN = 0xda;
/** Frames of baseline, extended and progressive pictures (ITU-T T.81, table B.1). */
const FRAMES = new Set([0xc0, 0xc1, 0xc2]);
/** Other frames, which no browser draws; and markers that have no length, which stand in no header. */
const NEVER = new Set([0x00, 0x01, 0xc3, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf, 0xff]);
const RESTART_OR_END = { first: 0xd0, last: 0xd9 };
/** Segments before the scan; ours have 8. */
const MOST_SEGMENTS = 64;

/**
 * Returns the size that a JPEG's own header states; undefined if it is no JPEG of one or three components from its first
 * byte to its last. It reads segment lengths and no picture data, and believes no number that leads outside the buffer.
 */
export function jpegSize(jpeg: Buffer): { width: number; height: number } | undefined {
  const { length } = jpeg;
  if (length < 8 || jpeg.readUInt16BE(0) !== START || jpeg.readUInt16BE(length - 2) !== END) return undefined;
  let size: { width: number; height: number } | undefined;
  let at = 2;
  for (let segments = 0; segments < MOST_SEGMENTS; segments += 1) {
    if (at + 4 > length || jpeg[at] !== 0xff) return undefined;
    const marker = jpeg[at + 1]!;
    const bytes = jpeg.readUInt16BE(at + 2);
    if (bytes < 2 || at + 2 + bytes > length || NEVER.has(marker)) return undefined;
    if (marker >= RESTART_OR_END.first && marker <= RESTART_OR_END.last) return undefined;
    if (marker === SCAN) return size;
    if (FRAMES.has(marker)) {
      const second = size !== undefined;
      size = frameSize(jpeg.subarray(at + 4, at + 2 + bytes));
      if (second || !size) return undefined;
    }
    at += 2 + bytes;
  }
  return undefined;
}

/** Reads precision, height, width and the number of components, and three bytes for each (B.2.2). */
function frameSize(frame: Buffer): { width: number; height: number } | undefined {
  if (frame.length < 6 || frame[0] !== 8) return undefined;
  const [height, width, components] = [frame.readUInt16BE(1), frame.readUInt16BE(3), frame[5]!];
  if ((components !== 1 && components !== 3) || frame.length !== 6 + 3 * components) return undefined;
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS)
    return undefined;
  return { width, height };
}
