import type { FrameLayout } from '../common/frame.ts';
import type { Destination } from './direct-pipe.ts';

/**
 * How many decoded frames may wait. At that number the decoder stalls on its pipe, so memory is a few frames whatever
 * the clip's length. Two cover for a frame that is slow to decode.
 */
const READY_FRAMES = 2;

/**
 * How frames follow each other in a decoder's stream. `y4m` has a line of text before the first and one before each;
 * `rawvideo` has nothing.
 */
export type StreamFormat = 'rawvideo' | 'y4m';

const NEWLINE = 10;
/** The line before a frame, as ffmpeg writes it. A line with parameters works too, at one read for each further byte. */
const FRAME_LINE = 'FRAME\n';

/**
 * Cuts a decoder's byte stream into frame messages.
 *
 * Cost a frame: one allocation, the message; no copy in user space, since the pipe is read straight into the message.
 */
export class FrameAssembler implements Destination {
  readonly #layout: FrameLayout;
  readonly #ready: Buffer[] = [];
  readonly #resume: () => void;
  #message: Buffer | undefined;
  #filled = 0;
  #isFull = false;
  #wake: (() => void) | undefined;
  #ended = false;
  readonly #linesAFrame: number;
  /** Lines of text to skip before the frame's first pixel. */
  #lines: number;
  readonly #text = Buffer.alloc(FRAME_LINE.length);
  #textFilled = 0;

  /** @param resume called when bytes may come again after `filled` returned false */
  constructor(layout: FrameLayout, format: StreamFormat, resume: () => void) {
    this.#layout = layout;
    this.#resume = resume;
    this.#linesAFrame = format === 'y4m' ? 1 : 0;
    this.#lines = 2 * this.#linesAFrame;
  }

  space(): Uint8Array {
    if (this.#lines > 0) return this.#textSpace;
    this.#message ??= this.#layout.allocate();
    const { pixelOffset, pixelBytes } = this.#layout;
    return this.#message.subarray(pixelOffset + this.#filled, pixelOffset + pixelBytes);
  }

  filled(bytes: number): boolean {
    if (this.#ended) return true;
    if (this.#lines > 0) {
      this.#skipText(bytes);
      return true;
    }
    this.#filled += bytes;
    if (this.#filled === this.#layout.pixelBytes) {
      this.#ready.push(this.#message!);
      this.#message = undefined;
      this.#filled = 0;
      this.#lines = this.#linesAFrame;
      this.#isFull = this.#ready.length >= READY_FRAMES;
      this.#wake?.();
    }
    return !this.#isFull;
  }

  /** Returns room for only as many bytes as surely belong to the line; the stream's first line has no known length. */
  get #textSpace(): Buffer {
    const certain = this.#lines === 1 ? FRAME_LINE.length - this.#textFilled : 1;
    return this.#text.subarray(-Math.max(1, certain));
  }

  #skipText(bytes: number): void {
    const newest = this.#textSpace[bytes - 1];
    this.#textFilled += bytes;
    if (newest !== NEWLINE) return;
    this.#lines -= 1;
    this.#textFilled = 0;
  }

  /** The decoder closed its pipe: no more frames come, and a frame that is not complete is dropped. */
  ended(): void {
    this.#ended = true;
    this.#message = undefined;
    this.#wake?.();
  }

  /** Drops everything, and takes nothing more. */
  discard(): void {
    this.#ready.length = 0;
    this.ended();
  }

  /** Returns the next frame, or undefined at the end. For one reader at a time. */
  async next(): Promise<Buffer | undefined> {
    while (this.#ready.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const message = this.#ready.shift();
    if (this.#isFull) {
      this.#isFull = false;
      this.#resume();
    }
    return message;
  }
}
