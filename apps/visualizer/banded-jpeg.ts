import koffi from 'koffi';
import { Fault } from '../common/errors.ts';
import { tooLong } from '../common/memory.ts';
import { pixelBytes } from '../common/pixels.ts';
import { bandPixels } from './band.ts';
import type { Marking } from './marking.ts';
import { loadTurboJpeg, TJFLAG_ACCURATEDCT, TJFLAG_NOREALLOC, TJSAMP_420 } from './turbojpeg.ts';

/** Stills that may wait for their bands: each holds a JPEG, and the machine has other work. */
const MAX_WAITING = 32;
/** Results that are kept, for clients that ask for the same still at once. */
const KEPT = 2;

type Done = (error: Error | null, result: number) => void;

/**
 * Puts the marking above and below a JPEG, as rows of its own: no pixel of the picture is covered. It is decoded to YUV and
 * encoded again with its own quality, without a change of colours or sampling.
 *
 * Cost a still: 9 ms at 1080p (a JPEG of 330 kB, AMD EPYC), 7 of them on a thread of libuv's pool, one still at a time. Streams
 * never come here.
 */
export class JpegBands implements Disposable {
  readonly #library = loadTurboJpeg();
  readonly #encoder: object;
  readonly #decoder: object;
  readonly #marking: Marking;
  readonly #quality: number;
  readonly #longestBytes: number;
  readonly #kept = new Map<Buffer, Promise<Buffer>>();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  /**
   * @param quality 1 to 100
   * @param longestBytes of the frame that a still may be of: a relay's are from another service, which may have more memory
   * @throws Fault `no-encoder`
   */
  constructor(marking: Marking, quality: number, longestBytes = Number.POSITIVE_INFINITY) {
    this.#longestBytes = longestBytes;
    this.#marking = marking;
    this.#quality = quality;
    const [encoder, decoder] = [this.#library.create(), this.#library.createDecoder()];
    if (!encoder || !decoder)
      throw new Fault('no-encoder', 'libturbojpeg has no memory for an encoder; give the service more');
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  /**
   * Returns a JPEG with its bands; undefined if too many wait.
   *
   * @param jpeg of ours: 4:2:0
   * @throws Fault `encode-failed`
   */
  async add(jpeg: Buffer, width: number, height: number): Promise<Buffer | undefined> {
    const bytes = pixelBytes('i420', width, height);
    if (bytes > this.#longestBytes)
      throw new Fault('encode-failed', `cannot mark a still of ${tooLong(bytes, this.#longestBytes)}`);
    const kept = this.#kept.get(jpeg);
    if (kept !== undefined) return await kept;
    if (this.#waiting >= MAX_WAITING || this.#closed) return undefined;
    this.#waiting += 1;
    const made = this.#last.then(() => this.#make(jpeg, width, height));
    this.#last = made.catch(() => {}).finally(() => this.#waiting--);
    this.#kept.set(jpeg, made);
    const [oldest] = this.#kept.keys();
    if (oldest && this.#kept.size > KEPT) this.#kept.delete(oldest);
    return await made;
  }

  async #make(jpeg: Buffer, width: number, height: number): Promise<Buffer> {
    const band = bandPixels(this.#marking, width);
    // A plane of luma has an even number of rows and columns, as libturbojpeg reads and writes it.
    const evenWidth = width + (width % 2);
    const evenHeight = height + (height % 2);
    const tall = 2 * band.height + evenHeight;
    const half = evenWidth / 2;
    const yuv = Buffer.allocUnsafeSlow((evenWidth * tall * 3) / 2);
    const planes = [
      { at: 0, stride: evenWidth, step: 1 },
      { at: evenWidth * tall, stride: half, step: 2 },
      { at: evenWidth * tall + half * (tall / 2), stride: half, step: 2 },
    ];
    const address = BigInt(koffi.address(yuv) as bigint);
    const picture = planes.map(
      ({ at, stride, step }) => address + BigInt(at + stride * (band.height / step)),
    );
    const pointers = new BigUint64Array(picture);
    const strides = Int32Array.from(planes, ({ stride }) => stride);
    await this.#call('decode', this.#decoder, done =>
      this.#library.decompressYuv(
        ...[this.#decoder, jpeg, jpeg.length, pointers, width, strides, height, TJFLAG_ACCURATEDCT],
        done,
      ),
    );
    for (const [channel, { at, stride, step }] of planes.entries()) {
      const rows = bandPlane(band, width, channel, step, stride);
      const top = at + stride * (band.height / step);
      const bottom = top + stride * (evenHeight / step);
      rows.copy(yuv, at);
      rows.copy(yuv, bottom);
      // Decoders mix the chroma of neighbouring rows: a dark line with the picture's own keeps the band's out of the picture.
      for (const [line, edge] of [
        [top - (2 / step) * stride, top],
        [bottom, bottom - stride],
      ] as const) {
        if (step === 1) yuv.fill(0, line, line + 2 * stride);
        else yuv.copyWithin(line, edge, edge + stride);
      }
    }

    const out = Buffer.allocUnsafeSlow(this.#library.worstBytes(evenWidth, tall, TJSAMP_420));
    const jpegBuf = new BigUint64Array([BigInt(koffi.address(out) as bigint)]);
    const jpegSize = new BigUint64Array([BigInt(out.length)]);
    await this.#call('encode', this.#encoder, done =>
      this.#library.compressYuv(
        ...[this.#encoder, yuv, width, 1, tall, TJSAMP_420, jpegBuf, jpegSize],
        ...[this.#quality, TJFLAG_NOREALLOC],
        done,
      ),
    );
    return Buffer.from(out.subarray(0, Number(jpegSize[0])));
  }

  async #call(what: string, handle: object, start: (done: Done) => void): Promise<void> {
    const result = await new Promise<number>((resolve, reject) =>
      start((error, code) => (error ? reject(error) : resolve(code))),
    );
    if (result !== 0)
      throw new Fault(
        'encode-failed',
        `cannot ${what} a still to mark it: ${this.#library.lastError(handle)}`,
      );
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    void this.#last.finally(() => {
      this.#library.destroy(this.#encoder);
      this.#library.destroy(this.#decoder);
    });
  }
}

/** Weights of red, green and blue in Y, Cb and Cr, and what is added (full range, BT.601). */
const WEIGHTS = [
  [0.299, 0.587, 0.114, 0],
  [-0.168736, -0.331264, 0.5, 128],
  [0.5, -0.418688, -0.081312, 128],
] as const;

/** Returns one plane of a band. */
function bandPlane(
  { rgba, height }: { rgba: Uint8ClampedArray; height: number },
  width: number,
  channel: number,
  step: number,
  stride: number,
): Buffer {
  const [red, green, blue, add] = WEIGHTS[channel]!;
  const plane = Buffer.allocUnsafe(stride * (height / step));
  for (let y = 0, to = 0; y < height; y += step) {
    for (let x = 0; x < stride * step; x += step, to += 1) {
      const at = 4 * (y * width + Math.min(x, width - 1));
      plane[to] = Math.round(red * rgba[at]! + green * rgba[at + 1]! + blue * rgba[at + 2]! + add);
    }
  }
  return plane;
}
