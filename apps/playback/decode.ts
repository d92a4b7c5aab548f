import { onAbort } from '../common/abort.ts';
import { Fault } from '../common/errors.ts';
import { type AssembledFrame, FrameAssembler, type PixelFormat } from './assemble.ts';
import type { Clip } from './clip.ts';
import { decoderArguments } from './decoder-command.ts';
import { DecoderProcess, type Exit } from './decoder-process.ts';
import { ffmpegFault } from './find-ffmpeg.ts';
import { FrameLog } from './frame-log.ts';
import { feedImages } from './image-feed.ts';
import type { ImageCodec } from './image-header.ts';
import { patiently } from './patience.ts';
import { Timestamps } from './timestamps.ts';

/** A frame as it left the decoder, in a message that lacks only its stamp. */
export interface DecodedFrame {
  message: Buffer;
  /** Microseconds from the clip's first frame. */
  positionUs: number;
}

/** How a pass ended: at the clip's end, at something that does not decode, or because somebody killed ffmpeg. */
export type Outcome = 'whole' | 'damaged' | 'killed';

/** One pass over a clip, under way from the moment it is made. Iteration ends with the clip, also with a damaged one. */
export interface Decoding extends AsyncIterable<DecodedFrame> {
  /** Known once iteration has ended by itself. */
  readonly outcome: Outcome | undefined;
  /** Ends the decoder at once. */
  stop(): void;
}

export interface DecodeOptions {
  /** Frames a second that will be asked for, if not the clip's own rate. */
  fps?: number | undefined;
  /** How long to wait for a frame. */
  patienceMs?: number | undefined;
  /** Pictures to decode instead of the clip's file: `positionUs` is then a picture's number, in seconds. */
  images?: { codec: ImageCodec; bytes: AsyncIterable<Uint8Array> } | undefined;
  /** Called with ffmpeg's words about a part of the clip that did not decode. */
  damaged(line: string): void;
}

/** A frame takes milliseconds; a decoder that gives none for this long never will. */
const PATIENCE_MS = 30_000;

/**
 * Starts ffmpeg on a clip. Frames come as fast as they are taken; ffmpeg stalls on its pipe while they are not.
 *
 * @throws Fault, on iteration: `no-ffmpeg`, `bad-clip` for a clip without one frame that decodes, `decoder-failed`
 */
export function decode(
  clip: Clip,
  format: PixelFormat,
  signal: AbortSignal,
  { fps = 1e6 / clip.intervalUs, patienceMs = PATIENCE_MS, images, damaged }: DecodeOptions,
): Decoding {
  return new FfmpegDecoding(clip, format, signal, { fps, patienceMs, images, damaged });
}

interface Settings extends DecodeOptions {
  fps: number;
  patienceMs: number;
}

class FfmpegDecoding implements Decoding {
  outcome: Outcome | undefined;
  readonly #path: string;
  readonly #settings: Settings;
  readonly #timestamps: Timestamps;
  readonly #frameLog = new FrameLog();
  readonly #assembler: FrameAssembler;
  readonly #process: DecoderProcess;
  readonly #disown: () => void;
  /** ffmpeg's last words about what it could not do. */
  #complaint = 'it gave no reason';
  /** Why its account of its pictures can't be used. */
  #fault: unknown;

  constructor(clip: Clip, format: PixelFormat, signal: AbortSignal, settings: Settings) {
    this.#path = clip.path;
    this.#settings = settings;
    const { images } = settings;
    this.#timestamps = new Timestamps(clip.intervalUs, images && 0);
    this.#assembler = new FrameAssembler(
      format,
      () => this.#process.resume(),
      () => this.#unlogged(),
    );
    const args = decoderArguments(clip, format, this.#frameLog, settings.fps, images?.codec);
    this.#process = new DecoderProcess(
      args,
      this.#assembler,
      line => this.#read(line),
      images && (stdin => feedImages(images.bytes, images.codec, stdin)),
    );
    this.#disown = onAbort(signal, () => this.stop());
  }

  /** Bound, so that it can be handed on by itself. */
  readonly stop = (): void => {
    // Undefined while the constructor runs, with a signal that is aborted already.
    this.#disown?.();
    this.#process.kill();
    this.#assembler.discard();
  };

  async *[Symbol.asyncIterator](): AsyncGenerator<DecodedFrame> {
    let count = 0;
    try {
      for (let frame = await this.#next(); frame; frame = await this.#next()) {
        yield { message: frame.message, positionUs: this.#timestamps.next(frame.ptsUs) };
        count += 1;
      }
      if (this.#fault !== undefined) throw this.#fault;
      const exit = await patiently(
        this.#process.ended,
        this.#settings.patienceMs,
        `ffmpeg did not end with DATA_FILE ${this.#path}`,
      );
      if (exit instanceof Error) throw exit;
      if (!this.#process.killed) this.#conclude(exit, count);
    } catch (thrown) {
      throw ffmpegFault(thrown);
    } finally {
      this.stop();
    }
  }

  #next(): Promise<AssembledFrame | undefined> {
    const what = `ffmpeg gave no frame of DATA_FILE ${this.#path}`;
    return patiently(this.#assembler.next(), this.#settings.patienceMs, what);
  }

  #unlogged(): void {
    this.#fault = new Fault(
      'decoder-failed',
      `ffmpeg wrote bytes that are no picture of DATA_FILE ${this.#path}; check what ffmpeg is on the PATH`,
    );
    this.stop();
  }

  #read(line: string): void {
    try {
      const frame = this.#frameLog.read(line);
      if (frame && frame !== 'nothing') this.#assembler.announce(frame);
      if (frame) return;
    } catch (thrown) {
      this.#fault = thrown;
      this.stop();
    }
    // What it says while we end it is about its end, a broken pipe, and may be half a line.
    if (this.#process.killed || !/\[(error|fatal)\]/.test(line)) return;
    this.#complaint = line.replace(/^(\[[^\]]*\] *)+/, '');
    this.#settings.damaged(line);
  }

  #conclude(exit: Exit, frames: number): void {
    this.outcome = exit === 'well' ? 'whole' : exit === 'killed' ? 'killed' : 'damaged';
    if (exit !== 'well') this.#settings.damaged(`ffmpeg ended with ${exit}`);
    if (frames > 0) return;
    if (exit === 'killed') {
      throw new Fault(
        'decoder-failed',
        `ffmpeg was killed before it gave a frame of DATA_FILE ${this.#path}: is there memory enough?`,
      );
    }
    throw new Fault(
      'bad-clip',
      `DATA_FILE ${this.#path} has no frame that decodes (${this.#complaint}); set it to a whole video file`,
    );
  }
}
