import koffi from 'koffi';
import { asError, Fault } from '../common/errors.ts';
import type { Frame } from '../common/frame.ts';
import { pixelBytes } from '../common/pixels.ts';
import { packedRows } from './packed-rows.ts';
import { paddedLuma } from './padded-luma.ts';

// Constants of turbojpeg.h, in the API that libturbojpeg 1.4 to 3 share.
const TJSAMP_420 = 2;
const TJPF_BGR = 1;
const TJFLAG_NOREALLOC = 1024;

const INSTALL = 'install it (Debian, Ubuntu: sudo apt-get install libturbojpeg0)';

type Async<Args extends unknown[]> = (
  ...args: [...Args, (error: Error | null, result: number) => void]
) => void;

/** Loads the calls of libturbojpeg that we use. The library is the distribution's, so that scanners see it. */
function loadLibrary() {
  try {
    const library = koffi.load('libturbojpeg.so.0');
    const compressYuv = library.func(
      'int tjCompressFromYUV(void *handle, const void *src, int width, int align, int height, int subsamp, void *jpegBuf, void *jpegSize, int quality, int flags)',
    );
    const compressBgr = library.func(
      'int tjCompress2(void *handle, const void *src, int width, int pitch, int height, int pixelFormat, void *jpegBuf, void *jpegSize, int subsamp, int quality, int flags)',
    );
    return {
      create: library.func('void *tjInitCompress()') as () => object | null,
      destroy: library.func('int tjDestroy(void *handle)') as (handle: object) => number,
      worstBytes: library.func('unsigned long tjBufSize(int width, int height, int subsamp)') as (
        width: number,
        height: number,
        subsamp: number,
      ) => number,
      lastError: library.func('const char *tjGetErrorStr2(void *handle)') as (handle: object) => string,
      compressYuv: compressYuv.async as Async<unknown[]>,
      compressBgr: compressBgr.async as Async<unknown[]>,
    };
  } catch (thrown) {
    throw new Fault('no-encoder', `libturbojpeg.so.0 is not on this machine; ${INSTALL}`, {
      cause: asError(thrown),
    });
  }
}

/**
 * One JPEG encoder: libturbojpeg on a thread of libuv's pool, baseline, 4:2:0, no metadata.
 *
 * I420 goes in as it is, with neither colour conversion nor down-sampling. Cost a frame: the compression, and one copy
 * of the JPEG out of a scratch buffer of worst-case size that is kept for the geometry. An odd size costs a copy more.
 */
export class JpegEncoder implements Disposable {
  readonly #library: ReturnType<typeof loadLibrary>;
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
    this.#library = loadLibrary();
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
