import { FrameLayout } from '../common/frame.ts';
import type { WireFormat } from '../common/pixels.ts';
import type { Destination } from './direct-pipe.ts';
import type { FrameLine } from './frame-log.ts';

/**
 * How many finished frames may wait for their moment. The decoder then stalls on its pipe, so that memory is a few
 * frames whatever the clip's length; two ride out a slow frame.
 */
const READY_FRAMES = 2;
/** ffmpeg logs a picture before it writes it; a picture that is not logged by then never will be. */
const OVERDUE_MS = 2000;

/** A frame as it left the decoder, in a message that lacks only its stamp. */
export interface AssembledFrame {
  message: Buffer;
  /** As `FrameLine` has it. */
  ptsUs: number | undefined;
}

/** What a decoder is asked for: frames as they travel, or bare pixels with their transparency. */
export type PixelFormat = WireFormat | 'bgra';

type Layout = Pick<FrameLayout, 'pixelOffset' | 'pixelBytes' | 'width' | 'height' | 'allocate'>;

function layoutOf(format: PixelFormat, width: number, height: number): Layout {
  if (format !== 'bgra') return new FrameLayout(format, width, height);
  const pixelBytes = 4 * width * height;
  return { width, height, pixelOffset: 0, pixelBytes, allocate: () => Buffer.allocUnsafeSlow(pixelBytes) };
}

interface Unfinished extends AssembledFrame {
  layout: Layout;
  filled: number;
}

/**
 * Cuts a decoder's stream of raw pictures into frame messages.
 *
 * A stream may change its size at any picture, and the bytes do not say so: each picture is announced before its bytes
 * are used. A first byte that comes before its announcement waits, and the pipe with it.
 *
 * Cost a frame: one allocation, the message; no copy in user space, since the pipe is read into its place in there; one
 * read of a single byte.
 */
export class FrameAssembler implements Destination {
  readonly #format: PixelFormat;
  readonly #resume: () => void;
  readonly #unannounced: () => void;
  readonly #announced: FrameLine[] = [];
  readonly #ready: AssembledFrame[] = [];
  #layout: Layout | undefined;
  #frame: Unfinished | undefined;
  /** First bytes of a picture that is not announced yet. */
  #early: number[] = [];
  readonly #byte = Buffer.alloc(1);
  #isWaiting = false;
  #isFull = false;
  #overdue: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #ended = false;

  /**
   * @param resume called when bytes may come again after `filled` has answered that they may not
   * @param unannounced called if bytes wait for an announcement that does not come
   */
  constructor(format: PixelFormat, resume: () => void, unannounced: () => void = () => {}) {
    this.#format = format;
    this.#resume = resume;
    this.#unannounced = unannounced;
  }

  /** Takes the size and time of the next picture that was not announced. The size is one that a frame can have. */
  announce(line: FrameLine): void {
    if (this.#ended) return;
    this.#announced.push(line);
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    clearTimeout(this.#overdue);
    if (!this.#isFull) this.#resume();
  }

  space(): Uint8Array {
    if (!this.#frame) return this.#byte;
    const { message, layout, filled } = this.#frame;
    return message.subarray(layout.pixelOffset + filled, layout.pixelOffset + layout.pixelBytes);
  }

  filled(bytes: number): boolean {
    if (this.#ended) return true;
    if (this.#frame) {
      this.#frame.filled += bytes;
    } else {
      this.#early.push(this.#byte[0]!);
      this.#begin();
    }
    if (this.#frame && this.#frame.filled === this.#frame.layout.pixelBytes) this.#finish(this.#frame);
    return !this.#isFull && !this.#isWaiting;
  }

  /** In two steps, so that a process that was suspended meanwhile reads what has come before it judges. */
  #watch(): void {
    const wait = (then: () => void) => {
      this.#overdue = setTimeout(then, OVERDUE_MS / 2);
    };
    wait(() => wait(this.#unannounced));
  }

  #begin(): void {
    const line = this.#announced.shift();
    if (!line) {
      this.#isWaiting = true;
      this.#watch();
      return;
    }
    const { width, height, ptsUs } = line;
    if (this.#layout?.width !== width || this.#layout.height !== height) {
      this.#layout = layoutOf(this.#format, width, height);
    }
    const message = this.#layout.allocate();
    message.set(this.#early, this.#layout.pixelOffset);
    this.#frame = { message, ptsUs, layout: this.#layout, filled: this.#early.length };
    this.#early = [];
  }

  #finish({ message, ptsUs }: Unfinished): void {
    this.#ready.push({ message, ptsUs });
    this.#frame = undefined;
    this.#isFull = this.#ready.length >= READY_FRAMES;
    this.#wake?.();
  }

  /** The decoder closed its pipe: no more frames will come, and an unfinished one is dropped. */
  ended(): void {
    this.#ended = true;
    clearTimeout(this.#overdue);
    this.#frame = undefined;
    this.#announced.length = 0;
    this.#wake?.();
  }

  /** Drops everything. */
  discard(): void {
    this.#ready.length = 0;
    this.ended();
  }

  /** Returns the next frame, or undefined at the end. For one reader at a time. */
  async next(): Promise<AssembledFrame | undefined> {
    while (this.#ready.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const frame = this.#ready.shift();
    if (this.#isFull) {
      this.#isFull = false;
      if (!this.#isWaiting) this.#resume();
    }
    return frame;
  }
}
