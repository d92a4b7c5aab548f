import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import ffmpeg from 'fluent-ffmpeg';
import { onAbort } from '../common/abort.ts';
import { asError, Fault } from '../common/errors.ts';
import type { FrameLayout } from '../common/frame.ts';
import { FrameAssembler } from './assemble.ts';
import type { Clip } from './clip.ts';
import { colourFilters } from './colour.ts';
import { type DirectPipe, directPipe } from './direct-pipe.ts';
import { answerOf, fileUrl, INPUT_GUARD, INSTALL, plainEnvironment } from './ffmpeg.ts';
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

export interface DecodeOptions {
  /** Frames a second that will be asked for, where it is not the clip's own rate. */
  fps?: number | undefined;
  /** How long to wait for a frame. */
  patienceMs?: number | undefined;
  /** Something in the clip did not decode, in ffmpeg's words. */
  damaged(line: string): void;
}

/** A frame takes milliseconds; a decoder that gives none for so long never will. */
const PATIENCE_MS = 30_000;
/** How ffmpeg ended. */
type Exit = 'well' | 'killed' | `exit code ${number | null}`;
/** What a thread decodes in a second of a clip that is hard to decode, on a processor of a few years ago. */
const PIXELS_PER_THREAD = 100e6;

/**
 * Finds ffmpeg, before anything is bound or published, and looks whether it is new enough. One without a release's number,
 * built from git for one, is taken to be.
 *
 * @throws Fault `no-ffmpeg`, `decoder-failed`
 */
export async function findFfmpeg(signal?: AbortSignal): Promise<void> {
  let told: string;
  try {
    const asked = answerOf('ffmpeg', ['-version'], signal, PATIENCE_MS);
    told = await patiently(asked, PATIENCE_MS, 'said nothing of itself');
  } catch (thrown) {
    throw asFault(thrown);
  }
  const [, release, major, minor] = /^ffmpeg version (n?(\d+)\.(\d+)\S*)/.exec(told) ?? [];
  if (release === undefined || Number(major) > 5 || (Number(major) === 5 && Number(minor) >= 1)) return;
  const places = (process.env['PATH'] ?? '').split(delimiter).map(folder => join(folder, 'ffmpeg'));
  const place = places.find(existsSync) ?? 'ffmpeg';
  throw new Fault('no-ffmpeg', `${place} is version ${release}, which is too old; ${INSTALL}`);
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
  { fps = 1e6 / clip.intervalUs, patienceMs = PATIENCE_MS, damaged }: DecodeOptions,
): Decoding {
  // y4m's muxer writes a picture from where it was made; rawvideo's is given a packed copy. It knows no BGR.
  const y4m = layout.format === 'i420';
  let pipe: DirectPipe | undefined;
  let child: ChildProcess | undefined;
  const assembler = new FrameAssembler(layout, y4m ? 'y4m' : 'rawvideo', () => pipe?.readEnd.resume());
  const timestamps = new Timestamps(clip.intervalUs);
  let stopped = false;
  let outcome: Outcome | undefined;
  let complaint = 'it gave no reason';

  const command = ffmpeg(fileUrl(clip.path))
    // Turning is the colour filters' work: what ffmpeg would put in front of them blurs chroma on the way.
    .inputOptions([...INPUT_GUARD, '-noautorotate', '-nostdin', '-nostats', '-loglevel', 'level+repeat+info'])
    .inputOptions(['-threads', String(decoderThreads(clip, fps)), '-filter_threads', '1'])
    .outputOptions(['-map', `0:${clip.streamIndex}`, '-fps_mode', 'passthrough'])
    .videoFilters([...colourFilters(clip, layout.format), 'settb=1/1000000', 'showinfo=checksum=0'])
    .format(y4m ? 'yuv4mpegpipe' : 'rawvideo')
    .output('pipe:1');

  const told = (line: string) => {
    if (timestamps.read(line) || !/\[(error|fatal)\]/.test(line)) return;
    complaint = line.replace(/^(\[[^\]]*\] *)+/, '');
    damaged(line);
  };
  /** Runs ffmpeg to its end. fluent-ffmpeg's own way to run it has the pipe copied. */
  const run = async (): Promise<Exit> => {
    pipe = await directPipe(assembler);
    try {
      if (stopped) return 'killed';
      child = spawn('ffmpeg', command._getArguments(), {
        env: plainEnvironment(),
        stdio: ['ignore', pipe.writeEnd, 'pipe'],
      });
      createInterface({ input: child.stderr! }).on('line', told);
      // Once it has ended and its last line has been read. What it left in the pipe is read meanwhile.
      const closed = once(child, 'close');
      pipe.writeEnd.destroy();
      const [code, killedBy] = (await closed) as [number | null, string | null];
      return killedBy !== null ? 'killed' : code === 0 ? 'well' : `exit code ${code}`;
    } finally {
      pipe.writeEnd.destroy();
    }
  };
  const stop = () => {
    stopped = true;
    child?.kill('SIGKILL');
    pipe?.readEnd.destroy();
    assembler.discard();
  };
  const ended = run().catch(error => {
    stop();
    return asError(error);
  });
  const release = onAbort(signal, stop);
  const end = () => {
    release();
    stop();
  };

  async function* frames(): AsyncGenerator<DecodedFrame> {
    let count = 0;
    try {
      const next = () => patiently(assembler.next(), patienceMs, `gave no frame of DATA_FILE ${clip.path}`);
      for (let message = await next(); message; message = await next()) {
        yield { message, positionUs: await timestamps.next() };
        count += 1;
      }
      const exit = await patiently(ended, patienceMs, `did not end with DATA_FILE ${clip.path}`);
      if (exit instanceof Error) throw exit;
      if (stopped) return;
      outcome = exit === 'well' ? 'whole' : exit === 'killed' ? 'killed' : 'damaged';
      if (exit !== 'well') damaged(`ffmpeg ended with ${exit}`);
      if (count > 0) return;
      if (outcome === 'killed') {
        throw new Fault(
          'decoder-failed',
          `ffmpeg was killed before it gave a frame of DATA_FILE ${clip.path}: is there memory enough?`,
        );
      }
      throw new Fault(
        'bad-clip',
        `DATA_FILE ${clip.path} has no frame that decodes (${complaint}); set it to a whole video file`,
      );
    } catch (thrown) {
      throw asFault(thrown);
    } finally {
      end();
    }
  }

  return {
    stop: end,
    get outcome() {
      return outcome;
    },
    [Symbol.asyncIterator]: frames,
  };
}

/**
 * Each thread more holds frames of its own and costs 3 % of CPU; too few would slow the picture. At most one for each
 * processor and one for the time in which ffmpeg converts and writes.
 */
function decoderThreads({ width, height }: Clip, fps: number): number {
  return Math.min(availableParallelism() + 1, Math.ceil((width * height * fps) / PIXELS_PER_THREAD));
}

function asFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const error = asError(thrown);
  return /ENOENT/.test(error.message)
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
