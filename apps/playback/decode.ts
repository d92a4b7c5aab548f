import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import ffmpeg from 'fluent-ffmpeg';
import { asError, Fault } from '../common/errors.ts';
import type { FrameLayout } from '../common/frame.ts';
import { FrameAssembler } from './assemble.ts';
import { type Clip, type ProbedStream, readClip } from './clip.ts';
import { colourFilters } from './colour.ts';
import { Timestamps } from './timestamps.ts';

/** A frame as it left the decoder, in a message that lacks only its stamp. */
export interface DecodedFrame {
  message: Buffer;
  /** Microseconds from the clip's first frame. */
  positionUs: number;
}

/** One pass over a clip, under way from the moment it is made. */
export interface Decoding extends AsyncIterable<DecodedFrame> {
  /** Ends the decoder at once. */
  stop(): void;
}

const INSTALL = 'install ffmpeg 5.1 or newer (Debian, Ubuntu: sudo apt-get install ffmpeg)';

/**
 * A clip is a file: no demuxer that follows addresses in it, no protocol but the file's own.
 * Otherwise a playlist that is named .mp4 would read other files or the network.
 */
const INPUT_GUARD = [
  ['-protocol_whitelist', 'file,pipe'],
  [
    '-format_whitelist',
    'mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,m4v,mjpeg,gif,apng,ivf,obu,ogg,flv,asf,mxf,nut,yuv4mpegpipe,mp3,wav,flac,aac',
  ],
].flat();

/**
 * Looks into the clip.
 *
 * @throws Fault `bad-clip`, `no-ffmpeg`
 */
export async function probe(path: string): Promise<Clip> {
  await checkFile(path);
  const command = ffmpeg(fileUrl(path));
  const ffprobe = promisify<string[], { streams: ProbedStream[]; format: ProbedStream }>((options, done) =>
    command.ffprobe(0, options, (error, data) => done(error, data as never)),
  );
  try {
    const { streams, format } = await ffprobe(INPUT_GUARD);
    return readClip(path, streams, format);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    const error = asError(thrown);
    if (/cannot find ff|ENOENT/i.test(error.message)) {
      throw new Fault('no-ffmpeg', `ffprobe is not on this machine's PATH; ${INSTALL}`, { cause: error });
    }
    const reason = lastWords(error.message, path);
    throw new Fault(
      'bad-clip',
      `DATA_FILE ${path} is not a video that ffmpeg can read (${reason}); set it to a whole video file`,
      {
        cause: error,
      },
    );
  }
}

async function checkFile(path: string): Promise<void> {
  const wrong = (what: string) => new Fault('bad-clip', `DATA_FILE ${path} ${what}; set it to a video file`);
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw wrong('is a directory');
    if (!found.isFile()) throw wrong('is not a regular file');
    if (found.size === 0) throw wrong('is empty');
    await access(path, constants.R_OK);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    const { code } = asError(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw wrong('does not exist');
    if (code === 'EACCES' || code === 'EPERM') throw wrong('may not be read by this user');
    throw wrong(`cannot be opened (${code})`);
  }
}

/** With a protocol in front no path can be taken for an option or another protocol. */
function fileUrl(path: string): string {
  return `file:${resolve(path)}`;
}

/** The last line of what ffprobe said, without the address it puts in front. */
function lastWords(message: string, path: string): string {
  const line = message.trim().split('\n').at(-1) ?? '';
  return line.replace(`${fileUrl(path)}: `, '').trim() || 'it gave no reason';
}

/** What a decoder tells besides frames. */
export interface DecodeEvents {
  /** Something in the clip did not decode, in ffmpeg's words. */
  damaged(line: string): void;
}

/**
 * Starts ffmpeg on a clip. Frames come as fast as they are taken; ffmpeg stalls on its pipe while they are not.
 *
 * Iteration ends with the clip, also with a damaged one; it throws where there is no ffmpeg.
 */
export function decode(clip: Clip, layout: FrameLayout, signal: AbortSignal, events: DecodeEvents): Decoding {
  const assembler = new FrameAssembler(layout);
  const timestamps = new Timestamps(clip.intervalUs);
  const stopped = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<Error | undefined>();

  const command = ffmpeg(fileUrl(clip.path))
    .inputOptions([...INPUT_GUARD, '-loglevel', 'level+repeat+info', '-nostats'])
    .outputOptions(['-map', `0:${clip.streamIndex}`, '-fps_mode', 'passthrough'])
    .videoFilters([...colourFilters(clip, layout.format), 'settb=1/1000000', 'showinfo=checksum=0'])
    .noAudio()
    .format('rawvideo')
    .on('start', () => {
      if (stopped.signal.aborted) command.kill('SIGKILL');
    })
    .on('stderr', (line: string) => {
      if (!timestamps.read(line) && /\[(error|fatal)\]/.test(line)) events.damaged(line);
    })
    .on('end', () => end(undefined))
    .on('error', (error: Error) => end(error));
  command.pipe(assembler, { end: false });

  const stop = () => {
    stopped.abort();
    signal.removeEventListener('abort', stop);
    command.kill('SIGKILL');
    assembler.finish();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  void ended.then(() => assembler.finish());

  return {
    stop,
    async *[Symbol.asyncIterator]() {
      try {
        for (let message = await assembler.next(); message; message = await assembler.next()) {
          yield { message, positionUs: await timestamps.next() };
        }
        if (stopped.signal.aborted) return;
        const error = await ended;
        if (error && /cannot find ffmpeg|ENOENT/i.test(error.message)) {
          throw new Fault('no-ffmpeg', `ffmpeg is not on this machine's PATH; ${INSTALL}`, { cause: error });
        }
        if (error) events.damaged(error.message);
      } finally {
        stop();
      }
    },
  };
}
