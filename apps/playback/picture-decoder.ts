import type { WireFormat } from '../common/pixels.ts';
import type { Clip, Wishes } from './clip.ts';
import { DecoderPool } from './decoder-pool.ts';
import type { Image } from './image-file.ts';
import { checkMemory } from './memory.ts';
import { PictureList } from './picture-list.ts';
import { probeImage } from './probe-image.ts';

/** Kinds of pictures whose facts are remembered: a folder has one or two. */
const REMEMBERED = 16;
/** A decoder is started this many pictures before it is needed. */
const LOOK_AHEAD = 8;
/** Larger pictures have a decoder for each size, since it is with the first one's that memory is checked. */
const SMALL_PIXELS = 4e6;

/** A picture file, decoded. */
export interface DecodedImage {
  message: Buffer;
  /** Its number among those to decode. */
  number: number;
}

/**
 * Decodes picture files in their order, with one decoder for all that are stored alike, also where others lie between them.
 * What does not decode is passed over.
 */
export class PictureDecoder {
  readonly #format: WireFormat;
  readonly #signal: AbortSignal;
  readonly #wishes: Wishes;
  readonly #clips = new Map<string, Clip>();

  constructor(format: WireFormat, signal: AbortSignal, wishes: Wishes) {
    this.#format = format;
    this.#signal = signal;
    this.#wishes = wishes;
  }

  /**
   * @param fps pictures a second that will be asked for
   * @param skipped called with a picture that can't be shown, and why
   * @param stop nobody wants them any more
   */
  async *decode(
    paths: readonly string[],
    fps: number,
    skipped: (path: string, why: string) => void,
    stop = this.#signal,
  ): AsyncGenerator<DecodedImage> {
    const list = new PictureList(paths, image => this.#kindOf(image), skipped);
    const about = { format: this.#format, fps, signal: this.#signal };
    using pool = new DecoderPool(list, image => this.#clipOf(image), about);
    for (let number = 0; number < list.length; number += 1) {
      const image = list.kind(number) === undefined ? await list.read(number) : undefined;
      const message = await decoded(pool, number, image);
      if (this.#signal.aborted || stop.aborted) return;
      if (message) {
        for (let next = number + 1; next <= number + LOOK_AHEAD; next += 1) pool.prepare(next);
        yield { message, number };
      } else {
        list.skip(number, 'does not decode');
      }
    }
  }

  #kindOf({ kind, codec, width, height }: Image): string {
    // By its size a JPEG is made smaller while it is decoded.
    const isOfSize = width * height > SMALL_PIXELS || (codec === 'mjpeg' && this.#wishes.size !== undefined);
    return isOfSize ? `${kind} ${width}×${height}` : kind;
  }

  async #clipOf(image: Image): Promise<Clip> {
    const kind = this.#kindOf(image);
    const known = this.#clips.get(kind);
    if (known) return known;
    const clip = await probeImage(image, this.#wishes, this.#signal);
    checkMemory(clip, this.#format);
    if (this.#clips.size >= REMEMBERED) this.#clips.delete(this.#clips.keys().next().value!);
    this.#clips.set(kind, clip);
    return clip;
  }
}

async function decoded(pool: DecoderPool, number: number, image?: Image): Promise<Buffer | undefined> {
  const decoding = await pool.decoderFor(number, image);
  const message = await decoding?.message(number);
  // It may have ended before it came to this one.
  if (message || !decoding || decoding.covers(number)) return message;
  return await (await pool.decoderFor(number))?.message(number);
}
