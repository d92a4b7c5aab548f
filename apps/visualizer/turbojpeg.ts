import koffi from 'koffi';
import { asError, Fault } from '../common/errors.ts';

// Constants of turbojpeg.h, in the API that libturbojpeg 1.4 to 3 share.
export const TJSAMP_420 = 2;
export const TJPF_BGR = 1;
export const TJFLAG_NOREALLOC = 1024;
export const TJFLAG_ACCURATEDCT = 4096;

const INSTALL = 'install it (Debian, Ubuntu: sudo apt-get install libturbojpeg0)';

/** A call that runs on a thread of libuv's pool. */
type Async = (...args: [...unknown[], (error: Error | null, result: number) => void]) => void;

/**
 * Loads the calls of libturbojpeg that we use. The library is the distribution's, so that scanners see it.
 *
 * @throws Fault `no-encoder`
 */
export function loadTurboJpeg() {
  try {
    const library = koffi.load('libturbojpeg.so.0');
    const compressYuv = library.func(
      'int tjCompressFromYUV(void *handle, const void *src, int width, int align, int height, int subsamp, void *jpegBuf, void *jpegSize, int quality, int flags)',
    );
    const compressBgr = library.func(
      'int tjCompress2(void *handle, const void *src, int width, int pitch, int height, int pixelFormat, void *jpegBuf, void *jpegSize, int subsamp, int quality, int flags)',
    );
    const decompressYuv = library.func(
      'int tjDecompressToYUVPlanes(void *handle, const void *jpegBuf, unsigned long jpegSize, void *dstPlanes, int width, void *strides, int height, int flags)',
    );
    return {
      create: library.func('void *tjInitCompress()') as () => object | null,
      createDecoder: library.func('void *tjInitDecompress()') as () => object | null,
      destroy: library.func('int tjDestroy(void *handle)') as (handle: object) => number,
      worstBytes: library.func('unsigned long tjBufSize(int width, int height, int subsamp)') as (
        width: number,
        height: number,
        subsamp: number,
      ) => number,
      lastError: library.func('const char *tjGetErrorStr2(void *handle)') as (handle: object) => string,
      compressYuv: compressYuv.async as Async,
      compressBgr: compressBgr.async as Async,
      decompressYuv: decompressYuv.async as Async,
    };
  } catch (thrown) {
    throw new Fault('no-encoder', `libturbojpeg.so.0 is not on this machine; ${INSTALL}`, {
      cause: asError(thrown),
    });
  }
}
