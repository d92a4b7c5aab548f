import { Fault } from '../common/errors.ts';
import { pixelBytes, type WireFormat } from '../common/pixels.ts';
import type { Clip } from './clip.ts';

const MB = 1e6;
/** Playback, ffmpeg and ffprobe before the first picture. */
const BASE_BYTES = 120 * MB;
/** Each further ffmpeg before its first picture. */
const DECODER_BYTES = 30 * MB;
/** Published pictures in memory at once: ready, under way, in the transport's hands, and not collected yet. */
const PUBLISHED = 13;
/** Pictures that a decoder holds: few where each stands alone, many where they refer to each other. */
const DECODED_ALONE = 4;
const DECODED_TOGETHER = 9;
const ALONE =
  /^(mjpeg|png|apng|gif|ffv1|prores|rawvideo|tiff|bmp|webp|dvvideo|huffyuv|ffvhuff|utvideo|dnxhd)$/;

/**
 * Returns the most that playback and its ffmpeg need for a clip. *Measured*: 5424×5424 H.264 took 0.82 GB without a
 * subscriber, each of which adds a picture or two, and 8192×8192 MJPEG 1.48 GB; this gives 1.09 and 1.83.
 */
export function memoryNeeded(clip: Clip, format: WireFormat): number {
  return BASE_BYTES + published(clip, format) + decoded(clip);
}

function published({ width, height }: Clip, format: WireFormat): number {
  return PUBLISHED * pixelBytes(format, width, height);
}

function decoded({ codec, codedWidth, codedHeight, halvings, pixelFormat }: Clip): number {
  const picture = pixelBytes('i420', codedWidth, codedHeight) / 4 ** halvings;
  return (ALONE.test(codec) ? DECODED_ALONE : DECODED_TOGETHER) * picture * depthOf(pixelFormat);
}

/** Returns whether a round's decoders fit the memory that this service may use, beside those of the round before. */
export function fitsMemory(
  clips: readonly Clip[],
  format: WireFormat,
  limitBytes = process.constrainedMemory(),
): boolean {
  const each = clips.reduce((sum, clip) => sum + DECODER_BYTES + decoded(clip), 0);
  const most = Math.max(...clips.map(clip => published(clip, format)));
  return limitBytes === 0 || BASE_BYTES + most + 2 * each <= limitBytes;
}

/** How many times the bytes of 8-bit 4:2:0 a format takes. */
function depthOf(pixelFormat: string): number {
  const samples = /444|gbr|rgb|bgr/.test(pixelFormat) ? 2 : pixelFormat.includes('422') ? 4 / 3 : 1;
  return samples * (/(9|1\d)[lb]e$|48|64/.test(pixelFormat) ? 2 : 1);
}

/**
 * Checks that a clip fits the memory that this service may use: a cgroup's limit, as a pod's container has one.
 *
 * @param besides bytes that it takes in addition
 * @throws Fault `bad-clip`
 */
export function checkMemory(
  clip: Clip,
  format: WireFormat,
  limitBytes = process.constrainedMemory(),
  besides = 0,
): void {
  const needed = memoryNeeded(clip, format) + besides;
  // 0 where nothing is known, and more than any machine has where there is no limit.
  if (limitBytes === 0 || needed <= limitBytes) return;
  const size = `${clip.width}×${clip.height}`;
  throw new Fault(
    'bad-clip',
    `DATA_FILE ${clip.path} has pictures of ${size}, for which playback needs up to ${gigabytes(needed)} of memory and may use ${gigabytes(limitBytes)}; ` +
      'set PLAYBACK_SIZE to something smaller (e.g. 1920x), or raise the limits of all three services with drop-ins like examples/drop-ins/noaa-playback.container.d/memory.conf, noaa-redactor.container.d/memory.conf and noaa-visualizer.container.d/memory.conf',
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
