import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { asError, Fault } from '../common/errors.ts';
import {
  type Clip,
  type ProbedFormat,
  type ProbedStream,
  pickVideo,
  readClip,
  reportedCrop,
  type Wishes,
} from './clip.ts';
import { type Crop, containerCrop } from './crop.ts';
import { answerOf, fileUrl, INPUT_GUARD, INSTALL } from './ffmpeg.ts';
import { kindOfFile, kindOfMissing, kindOfUnread } from './file-kind.ts';

/** Long enough for a large file on a slow disk; ffprobe reads a few megabytes at most. */
const PATIENCE_MS = 10_000;

const SEARCH_MB = 200;
const SEARCH_PATIENCE_MS = 60_000;
/** For streams that begin in the middle; ffmpeg's own search ends at 5 MB or 5 s. */
const LONG_SEARCH = ['-v', 'fatal', '-probesize', `${SEARCH_MB}M`, '-analyzeduration', '600M'];

/** Only what `readClip` reads: a file may say anything at any length in its tags. */
export const ENTRIES = [
  'stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,pix_fmt,color_space,color_range,field_order,avg_frame_rate,r_frame_rate,duration,nb_frames',
  'stream_disposition=default,attached_pic,timed_thumbnails,still_image',
  'stream_tags=alpha_mode',
  'stream_side_data=side_data_type,displaymatrix,crop_left,crop_top,crop_right,crop_bottom',
  'format=duration',
].join(':');

/**
 * Looks into the clip.
 *
 * ffprobe is run here and not by fluent-ffmpeg, which gives no hold on the child: it could neither be stopped by the
 * signal nor bounded in time.
 *
 * @throws Fault `bad-clip`, `no-ffmpeg`, `decoder-failed`
 */
export async function probe(
  path: string,
  signal?: AbortSignal,
  patienceMs = PATIENCE_MS,
  wishes: Wishes = {},
): Promise<Clip> {
  await checkFile(path);
  let { streams = [], format = {} } = await ask(path, ['-show_entries', ENTRIES], signal, patienceMs);
  let video = pickVideo(path, streams);
  let searched = false;
  if (!video['width']) {
    // A stream that was cut into in the middle: its size comes with its next key frame.
    searched = true;
    const options = [...LONG_SEARCH, '-show_entries', ENTRIES];
    ({ streams = [], format = {} } = await ask(path, options, signal, SEARCH_PATIENCE_MS));
    video = pickVideo(path, streams);
    if (!video['width']) {
      throw new Fault(
        'bad-clip',
        `DATA_FILE ${path} begins in the middle of a recording and has no key frame in its first ${SEARCH_MB} MB; cut it at a key frame, or convert it to mp4`,
      );
    }
  }
  // There the first packets decode to nothing.
  const { frames = [] } = searched
    ? {}
    : await ask(path, firstPicture(Number(video['index'])), signal, patienceMs);
  const crop = reportedCrop(video) ?? (await unreportedCrop(path, streams, video));
  const clip = readClip(path, video, format, frames[0], wishes, crop);
  if (clip.decoder !== undefined) await checkDecoder(path, clip.decoder, signal, patienceMs);
  return clip;
}

/** Options for what only a decoded picture has: rotation by SEI or EXIF, and whether it is interlaced. */
export function firstPicture(stream: number): string[] {
  const entries = 'frame=interlaced_frame:frame_side_data=side_data_type,displaymatrix';
  return ['-select_streams', String(stream), '-read_intervals', '%+#1', '-show_entries', entries];
}

/** Returns how the container crops, as we read it ourselves. */
async function unreportedCrop(
  path: string,
  streams: readonly ProbedStream[],
  video: ProbedStream,
): Promise<Crop | undefined> {
  const isTrack = ({ codec_type: type, disposition }: ProbedStream) =>
    type === 'video' && !disposition?.attached_pic;
  const size = { width: Number(video['width']), height: Number(video['height']) };
  return await containerCrop(path, streams.filter(isTrack).indexOf(video), size);
}

/** @throws Fault `bad-clip` where this ffmpeg would show what the clip hides */
async function checkDecoder(
  path: string,
  decoder: string,
  signal: AbortSignal | undefined,
  patienceMs: number,
): Promise<void> {
  const answer = await answerOf('ffmpeg', ['-v', 'error', '-h', `decoder=${decoder}`], signal, patienceMs);
  if (answer.startsWith('Decoder ')) return;
  throw new Fault(
    'bad-clip',
    `DATA_FILE ${path} has transparency that this ffmpeg can't apply (it has no ${decoder}); convert it to ProRes 4444 or FFV1`,
  );
}

interface Answer {
  streams?: ProbedStream[];
  format?: ProbedFormat;
  frames?: ProbedStream[];
}

async function ask(
  path: string,
  options: string[],
  signal: AbortSignal | undefined,
  patienceMs: number,
): Promise<Answer> {
  const asked = [...INPUT_GUARD, '-v', 'error', '-of', 'json', ...options, fileUrl(path)];
  try {
    return JSON.parse(await answerOf('ffprobe', asked, signal, patienceMs));
  } catch (thrown) {
    const error = asError(thrown) as Error & Partial<Record<'code' | 'signal' | 'stderr', unknown>>;
    const { code, stderr } = error;
    if (typeof code === 'number') {
      const reason = lastWords(String(stderr ?? ''), path);
      const kind = await kindOfUnread(path).catch(() => undefined);
      if (kind) throw notVideo(path, `it is ${kind.what}: ${reason}`, kind.remedy, error);
      throw notVideo(path, reason, 'set it to a whole video file, e.g. an mp4', error);
    }
    if (code === 'ENOENT') {
      throw new Fault('no-ffmpeg', `ffprobe is not on this machine's PATH; ${INSTALL}`, { cause: error });
    }
    if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
      throw new Fault(
        'bad-clip',
        `DATA_FILE ${path} is too damaged for ffmpeg to describe; set it to a whole video file`,
        { cause: error },
      );
    }
    const what = error.signal
      ? `was killed (${error.signal}) within ${patienceMs / 1000} s of looking into`
      : `could not be run (${code ?? error.message}) on`;
    throw new Fault(
      'decoder-failed',
      `ffprobe ${what} DATA_FILE ${path}; try \`ffprobe\` on it by hand, or set DATA_FILE to another file`,
      { cause: error },
    );
  }
}

function notVideo(path: string, why: string, remedy: string, cause?: Error): Fault {
  return new Fault('bad-clip', `DATA_FILE ${path} is not a video that playback reads (${why}); ${remedy}`, {
    cause,
  });
}

async function checkFile(path: string): Promise<void> {
  const wrong = (what: string, cause?: unknown) =>
    new Fault('bad-clip', `DATA_FILE ${path} ${what}; set it to a video file`, { cause });
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw wrong('is a directory');
    if (!found.isFile()) throw wrong('is not a regular file');
    if (found.size === 0) throw wrong('is empty');
    await access(path, constants.R_OK);
    const wrongKind = await kindOfFile(path);
    if (wrongKind) throw notVideo(path, `it is ${wrongKind.what}`, wrongKind.remedy);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    const { code } = asError(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP') {
      const { what, remedy } = await kindOfMissing(path);
      throw new Fault('bad-clip', `DATA_FILE ${path} ${what}; ${remedy}`);
    }
    if (code === 'EACCES' || code === 'EPERM') throw wrong('may not be read by this user');
    throw wrong(`cannot be opened (${code})`, thrown);
  }
}

/** Why ffprobe refused the file: what a part of it said last, or else its own last line, without what both put in front. */
function lastWords(stderr: string, path: string): string {
  const lines = stderr
    .replaceAll(`${fileUrl(path)}: `, '')
    .trim()
    .split('\n');
  const line = lines.findLast(candidate => candidate.startsWith('[')) ?? lines.at(-1) ?? '';
  // The list of those that are on it helps nobody.
  const [, refused] = /^\[(\S+) @ .*Format not on whitelist/.exec(line) ?? [];
  if (refused !== undefined) return `its container, ${refused}, is none that playback opens`;
  return line.replace(/^\[[^\]]*\] */, '').trim() || 'it gave no reason';
}
