import type { WebpAnimation, WebpFrame } from './webp-animation.ts';

const HEAD_BYTES = 54;

/**
 * What an animation shows after each of its frames, on black, kept as a BMP that ffmpeg decodes: rows from the top,
 * each blue, green, red and padded to four bytes.
 */
export class WebpCanvas {
  readonly #bmp: Buffer;
  readonly #rowBytes: number;
  /** Becomes transparent before the next frame is drawn. */
  #disposed: WebpFrame | undefined;

  constructor({ width, height }: Pick<WebpAnimation, 'width' | 'height'>) {
    this.#rowBytes = 4 * Math.ceil((3 * width) / 4);
    this.#bmp = Buffer.alloc(HEAD_BYTES + this.#rowBytes * height);
    this.#bmp.write('BM');
    this.#bmp.writeUInt32LE(this.#bmp.length, 2);
    this.#bmp.writeUInt32LE(HEAD_BYTES, 10);
    this.#bmp.writeUInt32LE(40, 14);
    this.#bmp.writeInt32LE(width, 18);
    this.#bmp.writeInt32LE(-height, 22);
    this.#bmp.writeUInt16LE(1, 26);
    this.#bmp.writeUInt16LE(24, 28);
  }

  /**
   * Draws a frame and returns the canvas, as a copy.
   *
   * @param bgra its pixels; undefined if they did not decode, and what is there stays
   */
  draw(frame: WebpFrame, bgra: Uint8Array | undefined): Buffer {
    this.#dispose();
    if (bgra) this.#paint(frame, bgra);
    if (frame.isDisposed) this.#disposed = frame;
    return Buffer.from(this.#bmp);
  }

  #dispose(): void {
    if (!this.#disposed) return;
    const { height, width } = this.#disposed;
    for (let row = 0; row < height; row += 1) {
      const at = this.#at(this.#disposed, row);
      this.#bmp.fill(0, at, at + 3 * width);
    }
    this.#disposed = undefined;
  }

  #paint(frame: WebpFrame, bgra: Uint8Array): void {
    const { width, height, isBlended } = frame;
    const bmp = this.#bmp;
    let from = 0;
    for (let row = 0; row < height; row += 1) {
      const start = this.#at(frame, row);
      for (let at = start; at < start + 3 * width; at += 3) {
        const alpha = bgra[from + 3]!;
        // What is there is on black already, so its own transparency does not count.
        const rest = isBlended ? 255 - alpha : 0;
        bmp[at] = (bgra[from]! * alpha + bmp[at]! * rest + 127) / 255;
        bmp[at + 1] = (bgra[from + 1]! * alpha + bmp[at + 1]! * rest + 127) / 255;
        bmp[at + 2] = (bgra[from + 2]! * alpha + bmp[at + 2]! * rest + 127) / 255;
        from += 4;
      }
    }
  }

  #at({ x, y }: WebpFrame, row: number): number {
    return HEAD_BYTES + (y + row) * this.#rowBytes + 3 * x;
  }
}
