import { asError, Fault } from '../common/errors.ts';
import type { WireFormat } from '../common/pixels.ts';
import type { Clip, Wishes } from './clip.ts';
import { type DecodedFrame, type Decoding, decode } from './decode.ts';
import type { Image } from './image-file.ts';
import { checkMemory } from './memory.ts';
import { probeImage } from './probe-image.ts';

/** Kinds of pictures whose facts are remembered: a folder has one or two. */
const REMEMBERED = 16;

/** A picture file, decoded. */
export interface DecodedImage extends DecodedFrame {
  image: Pick<Image, 'path'>;
}

/**
 * Decodes picture files with as few decoders as it can: one for all pictures in a row that are stored alike. What does not
 * decode is passed over.
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
   * @param skipped called with a picture that does not decode, and why
   */
  async *decode(
    images: AsyncIterator<Image>,
    fps: number,
    skipped: (path: string, why: string) => void,
  ): AsyncGenerator<DecodedImage> {
    let next = await images.next();
    while (!next.done) {
      const run = new Run(images, next.value);
      const clip = await this.#clipOf(next.value).catch(error => {
        if (this.#signal.aborted) throw error;
        skipped(run.first.path, asError(error).message);
      });
      if (!clip) {
        next = await images.next();
        continue;
      }
      const pictures = { codec: run.first.codec, bytes: run.bytes() };
      let decoding: Decoding | undefined;
      let expected = 0;
      try {
        decoding = decode(clip, this.#format, this.#signal, { fps, images: pictures, damaged() {} });
        for await (const { message, positionUs } of decoding) {
          const number = Math.round(positionUs / 1e6);
          for (; expected < number; expected += 1) skipped(run.path(expected), 'does not decode');
          expected = number + 1;
          yield { message, positionUs, image: { path: run.path(number) } };
        }
      } catch (thrown) {
        if (!(thrown instanceof Fault) || thrown.code !== 'bad-clip') throw thrown;
      } finally {
        decoding?.stop();
      }
      if (this.#signal.aborted) return;
      for (; expected < run.length; expected += 1) skipped(run.path(expected), 'does not decode');
      next = run.next ?? (await images.next());
    }
  }

  async #clipOf(image: Image): Promise<Clip> {
    const { kind } = image;
    const known = this.#clips.get(kind);
    if (known) return known;
    const clip = await probeImage(image, this.#wishes, this.#signal);
    checkMemory(clip, this.#format);
    if (this.#clips.size >= REMEMBERED) this.#clips.delete(this.#clips.keys().next().value!);
    this.#clips.set(kind, clip);
    return clip;
  }
}

/** Pictures in a row that are stored alike. */
class Run {
  readonly first: Image;
  /** The picture after the run, once the run is over. */
  next: IteratorResult<Image> | undefined;
  readonly #images: AsyncIterator<Image>;
  readonly #paths: string[] = [];

  constructor(images: AsyncIterator<Image>, first: Image) {
    this.#images = images;
    this.first = first;
  }

  get length(): number {
    return this.#paths.length;
  }

  path(number: number): string {
    return this.#paths[number] ?? this.first.path;
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    let image = this.first;
    for (;;) {
      this.#paths.push(image.path);
      yield image.bytes;
      this.next = await this.#images.next();
      if (this.next.done || this.next.value.kind !== this.first.kind) return;
      image = this.next.value;
    }
  }
}
