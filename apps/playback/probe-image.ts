import { asError, Fault } from '../common/errors.ts';
import { type Clip, type ProbedStream, readClip, type Wishes } from './clip.ts';
import { answerOf, fileUrl, INPUT_GUARD } from './ffmpeg.ts';
import type { Image } from './image-file.ts';
import type { ImageCodec } from './image-header.ts';
import { ENTRIES, firstPicture } from './probe.ts';

const PATIENCE_MS = 10_000;

/** Named to ffmpeg, which guesses from the file's name otherwise, and takes a % or a * in it for many files. */
const DEMUXERS: Record<ImageCodec, string> = {
  mjpeg: 'jpeg_pipe',
  png: 'png_pipe',
  webp: 'webp_pipe',
  tiff: 'tiff_pipe',
  bmp: 'bmp_pipe',
  gif: 'gif',
};

/**
 * Looks into a picture file.
 *
 * @throws Fault `bad-clip` with a few words on why it does not decode
 */
export async function probeImage(
  { path, codec }: Pick<Image, 'path' | 'codec'>,
  wishes: Wishes,
  signal: AbortSignal,
): Promise<Clip> {
  const ask = async (options: string[]) => {
    const asked = [
      ...INPUT_GUARD,
      '-v',
      'error',
      '-of',
      'json',
      '-f',
      DEMUXERS[codec],
      ...options,
      fileUrl(path),
    ];
    return JSON.parse(await answerOf('ffprobe', asked, signal, PATIENCE_MS));
  };
  try {
    const { streams: [stream] = [] } = (await ask(['-show_entries', ENTRIES])) as {
      streams?: ProbedStream[];
    };
    if (!stream) throw new Error('no picture in it');
    if (!stream['width']) throw new Error('it is stored in a way that this ffmpeg does not read');
    const { frames: [first] = [] } = (await ask(firstPicture(0))) as { frames?: ProbedStream[] };
    return readClip(path, stream, {}, first, wishes);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    const why = String(asError(thrown).message).trim().split('\n').at(-1);
    throw new Fault('bad-clip', `does not decode (${why})`, { cause: thrown });
  }
}
