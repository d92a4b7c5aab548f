import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import ffmpeg from 'fluent-ffmpeg';
import { asError, Fault } from '../common/errors.ts';
import type { FrameLayout } from '../common/frame.ts';
import { FrameAssembler } from './assemble.ts';
import type { Clip } from './clip.ts';
import { colourFilters } from './colour.ts';
import { fileUrl, INPUT_GUARD, INSTALL } from './input.ts';
import { Timestamps } from './timestamps.ts';

/** A frame as it left the decoder, in a message that lacks only its stamp. */
export interface DecodedFrame {
  message: Buffer;
  /** Microseconds from the clip's first frame. */
  positionUs: number;
}

/** How a pass ended: at the clip's end, at what does not decode, or because somebody killed ffmpeg. */
export type Outcome = 'whole' | 'damaged' | 'killed';

/** One pass over a clip, under way from the moment it is made. */
export interface Decoding extends AsyncIterable<DecodedFrame> {
  /** Told once iteration has ended by itself. */
  readonly outcome: Outcome | undefined;
  /** Ends the decoder at once. */
  stop(): void;
}

/** What a decoder tells besides frames. */
export interface DecodeEvents {
  /** Something in the clip did not decode, in ffmpeg's words. */
  damaged(line: string): void;
}

/** A frame takes milliseconds; a decoder that gives none for so long never will. */
const PATIENCE_MS = 30_000;
/** What a thread decodes in a second of a clip that is hard to decode, on a processor of a few years ago. */
const PIXELS_PER_THREAD = 100e6;

/**
 * Finds ffmpeg, before anything is bound or published. fluent-ffmpeg asks it for its formats and encoders ahead of the
 * first command and keeps the answers: asked for here, both at once and while the clip is being probed, they are not
 * asked for one after the other then.
 *
 * @throws Fault `no-ffmpeg`, `decoder-failed`
 */
export async function findFfmpeg(): Promise<void> {
  const command = ffmpeg();
  const formats = promisify<unknown>(done => command.getAvailableFormats(done));
  const encoders = promisify<unknown>(done => command.getAvailableEncoders(done));
  try {
    await patiently(Promise.all([formats(), encoders()]), PATIENCE_MS, 'said nothing of itself');
  } catch (thrown) {
    throw asFault(thrown);
  }
}

/**
 * Starts ffmpeg on a clip. Frames come as fast as they are taken; ffmpeg stalls on its pipe while they are not.
 *
 * Iteration ends with the clip, also with a damaged one.
 *
 * @throws Fault, on iteration: `no-ffmpeg`, `bad-clip` for a clip without one frame that decodes, `decoder-failed`
 */
export function decode(
  clip: Clip,
  layout: FrameLayout,
  signal: AbortSignal,
  events: DecodeEvents,
  patienceMs = PATIENCE_MS,
): Decoding {
  // y4m's muxer writes a picture from where it was made; rawvideo's is given a packed copy. It knows no BGR.
  const y4m = layout.format === 'i420';
  const assembler = new FrameAssembler(layout, y4m ? 'y4m' : 'rawvideo');
  const timestamps = new Timestamps(clip.intervalUs);
  const { promise: ended, resolve: end } = Promise.withResolvers<Error | undefined>();
  let stopped = false;
  let outcome: Outcome | undefined;
  let complaint = 'it gave no reason';

  const command = ffmpeg(fileUrl(clip.path))
    // Turning is the colour filters' work: what ffmpeg would put in front of them blurs chroma on the way.
    .inputOptions([...INPUT_GUARD, '-noautorotate', '-nostdin', '-nostats', '-loglevel', 'level+repeat+info'])
    .inputOptions(['-threads', String(decoderThreads(clip)), '-filter_threads', '1'])
    .outputOptions(['-map', `0:${clip.streamIndex}`, '-fps_mode', 'passthrough'])
    .videoFilters([...colourFilters(clip, layout.format), 'settb=1/1000000', 'showinfo=checksum=0'])
    .format(y4m ? 'yuv4mpegpipe' : 'rawvideo')
    .on('start', () => {
      if (stopped) command.kill('SIGKILL');
    })
    .on('stderr', (line: string) => {
      if (timestamps.read(line) || !/\[(error|fatal)\]/.test(line)) return;
      complaint = line.replace(/^(\[[^\]]*\] *)+/, '');
      events.damaged(line);
    })
    .on('end', () => end(undefined))
    .on('error', (error: Error) => {
      // ffmpeg's own end closes the pipe, and with it the assembler once it has read what is left in there.
      if (!exitOf(error)) assembler.discard();
      end(error);
    });
  command.pipe(assembler, { end: true });

  const stop = () => {
    stopped = true;
    signal.removeEventListener('abort', stop);
    command.kill('SIGKILL');
    assembler.discard();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });

  async function* frames(): AsyncGenerator<DecodedFrame> {
    let count = 0;
    try {
      const next = () => patiently(assembler.next(), patienceMs, `gave no frame of DATA_FILE ${clip.path}`);
      for (let message = await next(); message; message = await next()) {
        yield { message, positionUs: await timestamps.next() };
        count += 1;
      }
      if (stopped) return;
      const error = await patiently(ended, patienceMs, `did not end with DATA_FILE ${clip.path}`);
      if (error && !exitOf(error)) throw error;
      outcome = !error ? 'whole' : exitOf(error) === 'killed' ? 'killed' : 'damaged';
      if (error) events.damaged(error.message);
      if (count > 0) return;
      if (outcome === 'killed') {
        throw new Fault(
          'decoder-failed',
          `ffmpeg was killed before it gave a frame of DATA_FILE ${clip.path}: is there memory enough?`,
          { cause: error },
        );
      }
      throw new Fault(
        'bad-clip',
        `DATA_FILE ${clip.path} has no frame that decodes (${complaint}); set it to a whole video file`,
        { cause: error },
      );
    } catch (thrown) {
      throw asFault(thrown);
    } finally {
      stop();
    }
  }

  return {
    stop,
    get outcome() {
      return outcome;
    },
    [Symbol.asyncIterator]: frames,
  };
}

/** Each thread more holds frames of its own and costs 3 % of CPU; too few would slow the picture. */
function decoderThreads({ width, height, intervalUs }: Clip): number {
  const pixelsPerSecond = (width * height * 1e6) / intervalUs;
  return Math.min(availableParallelism(), Math.ceil(pixelsPerSecond / PIXELS_PER_THREAD));
}

/** How ffmpeg ended, in fluent-ffmpeg's words; undefined where it never ran. */
function exitOf(error: Error): 'killed' | 'exited' | undefined {
  return /^ffmpeg (?:was )?(killed|exited) with/.exec(error.message)?.[1] as 'killed' | 'exited' | undefined;
}

function asFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const error = asError(thrown);
  return /cannot find ffmpeg|ENOENT/i.test(error.message)
    ? new Fault('no-ffmpeg', `ffmpeg is not on this machine's PATH; ${INSTALL}`, { cause: error })
    : new Fault('decoder-failed', `ffmpeg could not be run (${error.message}); ${INSTALL}`, { cause: error });
}

/** @throws Fault `decoder-failed` when the promise keeps its word no sooner than `patienceMs` */
async function patiently<T>(promise: Promise<T>, patienceMs: number, what: string): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Fault('decoder-failed', `ffmpeg ${what} for ${patienceMs / 1000} s; start playback again`));
  }, patienceMs);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
