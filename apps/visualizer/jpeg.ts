import koffi from 'koffi';
import { Fault } from '../common/errors.ts';
import type { Frame } from '../common/frame.ts';
import { pixelBytes } from '../common/pixels.ts';
import { packedRows } from './packed-rows.ts';
import { paddedLuma } from './padded-luma.ts';
import { loadTurboJpeg, TJFLAG_NOREALLOC, TJPF_BGR, TJSAMP_420 } from './turbojpeg.ts';

/**
 * One JPEG encoder: libturbojpeg on a thread of libuv's pool, baseline, 4:2:0, no metadata.
 *
 * I420 goes in as it is, with neither colour conversion nor down-sampling. Cost a frame: the compression, and one copy
 * of the JPEG out of a scratch buffer of worst-case size that is kept for the geometry. An odd size costs a copy more.
 */
export class JpegEncoder implements Disposable {
  readonly #library: ReturnType<typeof loadTurboJpeg>;
  readonly #handle: object;
  readonly #quality: number;
  #scratch = Buffer.alloc(0);
  /** The bytes being encoded: nothing else refers to a copy made here while the library reads it. */
  #input: Uint8Array = this.#scratch;
  /** C's `unsigned char *jpegBuf` and `unsigned long jpegSize`; the library gets their addresses. */
  readonly #jpegBuf = new BigUint64Array(1);
  readonly #jpegSize = new BigUint64Array(1);

  /**
   * @param quality 1 to 100
   * @throws Fault `no-encoder`
   */
  constructor(quality: number) {
    this.#library = loadTurboJpeg();
    const handle = this.#library.create();
    if (!handle)
      throw new Fault('no-encoder', 'libturbojpeg has no memory for an encoder; give the service more');
    this.#handle = handle;
    this.#quality = quality;
  }

  /**
   * Encodes one frame; await it before the next. The frame's pixels must not change meanwhile.
   *
   * @throws Fault `encode-failed`
   */
  async encode({
    width,
    height,
    format,
    order,
    pixels,
  }: Pick<Frame, 'width' | 'height' | 'format' | 'order' | 'pixels'>): Promise<Buffer> {
    // The library gets no length and reads as far as the geometry implies, padded to even for I420.
    if (pixels.length !== pixelBytes(format, width, height)) {
      throw new Fault(
        'encode-failed',
        `a ${width}×${height} ${format} frame has ${pixels.length} bytes of pixels`,
      );
    }
    const worst = this.#library.worstBytes(width, height, TJSAMP_420);
    if (this.#scratch.length !== worst) {
      this.#scratch = Buffer.allocUnsafeSlow(worst);
      this.#jpegBuf[0] = BigInt(koffi.address(this.#scratch) as bigint);
    }
    this.#jpegSize[0] = BigInt(worst);
    const output = [this.#jpegBuf, this.#jpegSize];
    const result = await new Promise<number>((resolve, reject) => {
      const done = (error: Error | null, code: number) => (error ? reject(error) : resolve(code));
      if (format === 'i420') {
        this.#input = paddedLuma(pixels, width, height);
        const rowAlign = 1;
        this.#library.compressYuv(
          this.#handle,
          this.#input,
          width,
          rowAlign,
          height,
          TJSAMP_420,
          ...output,
          this.#quality,
          TJFLAG_NOREALLOC,
          done,
        );
      } else {
        this.#input = order === 'C' ? pixels : packedRows(pixels, width, height);
        this.#library.compressBgr(
          this.#handle,
          this.#input,
          width,
          width * 3,
          height,
          TJPF_BGR,
          ...output,
          TJSAMP_420,
          this.#quality,
          TJFLAG_NOREALLOC,
          done,
        );
      }
    });
    if (result !== 0) {
      const why = this.#library.lastError(this.#handle);
      throw new Fault(
        'encode-failed',
        `libturbojpeg could not encode a ${width}×${height} ${format} frame: ${why}`,
      );
    }
    return Buffer.from(this.#scratch.subarray(0, Number(this.#jpegSize[0])));
  }

  [Symbol.dispose](): void {
    this.#library.destroy(this.#handle);
  }
}
