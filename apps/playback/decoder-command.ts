import { availableParallelism } from 'node:os';
import ffmpeg from 'fluent-ffmpeg';
import type { PixelFormat } from './assemble.ts';
import type { Clip } from './clip.ts';
import { bareFilters, colourFilters } from './colour.ts';
import { fileUrl, INPUT_GUARD } from './ffmpeg.ts';
import type { FrameLog } from './frame-log.ts';
import type { ImageCodec } from './image-header.ts';

/** Pixels that one thread decodes in a second, of a clip that is hard to decode, on a processor of a few years ago. */
const PIXELS_PER_THREAD = 100e6;

/** A longer step in a transport stream's times is where two recordings were joined. ffmpeg's own limit is 10 s. */
const LONGEST_PAUSE_SECONDS = 3600;

/**
 * Returns ffmpeg's arguments for one pass over a clip: raw pictures on stdout, each of its own size; on stderr a line of
 * `log`'s for each picture, and what did not decode.
 *
 * @param fps frames a second that will be asked for
 * @param codec of the pictures that come on stdin as an IVF stream, instead of the clip's file
 */
export function decoderArguments(
  clip: Clip,
  format: PixelFormat,
  log: FrameLog,
  fps: number,
  codec?: ImageCodec,
): string[] {
  const command = ffmpeg(codec === undefined ? fileUrl(clip.path) : 'pipe:0')
    .inputOptions(codec === undefined ? [] : ['-f', 'ivf', '-c:v', codec])
    // The colour filters turn the picture: what ffmpeg would insert before them blurs chroma.
    .inputOptions([...INPUT_GUARD, '-noautorotate', '-nostdin', '-nostats', '-loglevel', 'level+repeat+info'])
    .inputOptions(['-dts_delta_threshold', String(LONGEST_PAUSE_SECONDS)])
    .inputOptions(['-threads', String(decoderThreads(clip, fps)), '-filter_threads', '1'])
    .inputOptions(clip.decoder === undefined || codec !== undefined ? [] : ['-c:v', clip.decoder])
    .inputOptions(clip.crop?.isKnownToFfmpeg ? ['-apply_cropping', 'codec'] : [])
    .inputOptions(clip.halvings === 0 ? [] : ['-lowres', String(clip.halvings)])
    // Every picture passes, without a time: the muxer would complain where times go back.
    .outputOptions([
      '-map',
      `0:${codec === undefined ? clip.streamIndex : 0}`,
      '-fps_mode',
      'drop',
      '-noautoscale',
    ])
    .videoFilters([
      ...(format === 'bgra' ? bareFilters() : colourFilters(clip, format)),
      'settb=1/1000000',
      log.filter,
    ])
    // Not y4m, which saves up to 0.5 ms of CPU a 1080p frame: its muxer knows one size for all pictures.
    .format('rawvideo')
    .output('pipe:1');
  return command._getArguments();
}

/**
 * Each further thread holds frames of its own and costs 3 % of CPU; too few slow the picture. At most one for each
 * processor, and one for the time in which ffmpeg converts and writes.
 */
function decoderThreads({ width, height }: Clip, fps: number): number {
  return Math.min(availableParallelism() + 1, Math.ceil((width * height * fps) / PIXELS_PER_THREAD));
}
