import { Writable } from 'node:stream';
import type { FrameLayout } from '../common/frame.ts';

/**
 * How many finished frames may wait for their moment. The decoder then stalls on its pipe, so that memory is a few
 * frames whatever the clip's length; two ride out a slow frame.
 */
const READY_FRAMES = 2;

/**
 * How frames follow each other in a decoder's stream. `y4m` has a line of text before the first and one before each;
 * `rawvideo` has nothing.
 */
export type StreamFormat = 'rawvideo' | 'y4m';

const NEWLINE = 10;

/**
 * Cuts a decoder's byte stream into frame messages.
 *
 * Cost a frame: one allocation, the message; one copy in user space, from the pipe's chunks to their place in it.
 */
export class FrameAssembler extends Writable {
  readonly #layout: FrameLayout;
  readonly #ready: Buffer[] = [];
  #message: Buffer | undefined;
  #filled = 0;
  #continue: (() => void) | undefined;
  #wake: (() => void) | undefined;
  #ended = false;
  #discarding = false;
  readonly #linesAFrame: number;
  /** Lines of text yet to pass before the frame's first pixel. */
  #lines: number;

  constructor(layout: FrameLayout, format: StreamFormat = 'rawvideo') {
    // Without a 'close' event: fluent-ffmpeg takes that for a lost reader and kills an ffmpeg that is just finishing.
    super({ highWaterMark: 1, emitClose: false });
    this.#layout = layout;
    this.#linesAFrame = format === 'y4m' ? 1 : 0;
    this.#lines = 2 * this.#linesAFrame;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#discarding) {
      done();
      return;
    }
    const { pixelBytes, pixelOffset } = this.#layout;
    let read = 0;
    while (read < chunk.length) {
      if (this.#lines > 0) {
        const end = chunk.indexOf(NEWLINE, read);
        if (end < 0) break;
        read = end + 1;
        this.#lines -= 1;
        continue;
      }
      this.#message ??= this.#layout.allocate();
      const take = Math.min(pixelBytes - this.#filled, chunk.length - read);
      chunk.copy(this.#message, pixelOffset + this.#filled, read, read + take);
      read += take;
      this.#filled += take;
      if (this.#filled === pixelBytes) {
        this.#ready.push(this.#message);
        this.#message = undefined;
        this.#filled = 0;
        this.#lines = this.#linesAFrame;
        this.#wake?.();
      }
    }
    // A chunk of many tiny frames may pass the mark, by its own length at most.
    if (this.#ready.length < READY_FRAMES) done();
    else this.#continue = done;
  }

  /** The decoder closed its pipe: no more frames will come, and a part of one that had begun is let go. */
  override _final(done: () => void): void {
    this.#ended = true;
    this.#message = undefined;
    this.#wake?.();
    done();
  }

  /** Lets go of everything and takes no more, but reads on, so that the decoder's pipe can drain and close. */
  discard(): void {
    this.#discarding = true;
    this.#ended = true;
    this.#message = undefined;
    this.#ready.length = 0;
    this.#wake?.();
    this.#resume();
  }

  /** The next frame, or undefined at the end. For one reader at a time. */
  async next(): Promise<Buffer | undefined> {
    while (this.#ready.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const message = this.#ready.shift();
    if (this.#ready.length < READY_FRAMES) this.#resume();
    return message;
  }

  #resume(): void {
    const resume = this.#continue;
    this.#continue = undefined;
    resume?.();
  }
}
