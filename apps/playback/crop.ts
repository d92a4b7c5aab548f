import { type FileHandle, open } from 'node:fs/promises';
import { isoClap } from './iso-clap.ts';
import { matroskaCrop } from './matroska-crop.ts';
import type { Size } from './shape.ts';

/** Columns and rows of a decoded picture that its container leaves out. */
export interface Crop {
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** The sample aspect ratio of the rest, where the container describes that. */
  sampleAspect?: number | undefined;
  /** This ffmpeg crops by itself unless it is told not to: to even columns and rows only. */
  isKnownToFfmpeg?: boolean;
}

/**
 * Reads how Matroska, MP4, MOV or AVIF crops a video track. ffprobe reports it only from 7.1 on.
 *
 * @param ordinal the track's place among those with video
 * @param coded its size before cropping
 * @returns undefined where nothing is cropped, or in a way that leaves no picture
 */
export async function containerCrop(path: string, ordinal: number, coded: Size): Promise<Crop | undefined> {
  await using file = await open(path);
  try {
    const start = await readAt(file, 0, 8);
    const crop = start.readUInt32BE() === 0x1a45dfa3 ? matroskaCrop : isoClap;
    return sensible(await crop((at, bytes) => readAt(file, at, bytes), ordinal, coded), coded);
  } catch (thrown) {
    // A structure that leads past the end of what is there: ffmpeg judges that.
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** Returns bytes of the file. @throws RangeError if it has fewer */
export type ReadAt = (at: number, bytes: number) => Promise<Buffer>;

/** More than any index has. */
const MOST_BYTES = 64 * 2 ** 20;

async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  if (bytes > MOST_BYTES) throw new RangeError('it is too long');
  const { bytesRead, buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  if (bytesRead !== bytes) throw new RangeError('it leads past the end');
  return buffer;
}

/** Returns the crop if it takes something away and leaves something. */
export function sensible(crop: Crop | undefined, { width, height }: Size): Crop | undefined {
  if (!crop) return undefined;
  const { left, top, right, bottom } = crop;
  const sides = [left, top, right, bottom];
  if (!sides.every(side => Number.isSafeInteger(side) && side >= 0)) return undefined;
  if (sides.every(side => side === 0)) return undefined;
  return left + right < width && top + bottom < height ? crop : undefined;
}
