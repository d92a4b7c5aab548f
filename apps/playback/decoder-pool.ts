import type { WireFormat } from '../common/pixels.ts';
import type { Clip } from './clip.ts';
import type { Image } from './image-file.ts';
import { KindDecoding } from './kind-decoding.ts';
import { fitsMemory } from './memory.ts';
import type { PictureList } from './picture-list.ts';

/** Of more kinds, the decoder that was not used for longest gives way to the next. */
const MOST_DECODERS = 4;

/** The decoders of one round over a list, one for each kind of pictures in it. */
export class DecoderPool implements Disposable {
  readonly #list: PictureList;
  readonly #clipOf: (image: Image) => Promise<Clip>;
  readonly #about: { format: WireFormat; fps: number; signal: AbortSignal };
  /** The one that was used last comes last. */
  readonly #started = new Map<string, KindDecoding>();
  readonly #starting = new Map<string, Promise<void>>();
  #isDisposed = false;

  /** @param clipOf looks into a picture; what it throws is the reason why that is left out */
  constructor(
    list: PictureList,
    clipOf: (image: Image) => Promise<Clip>,
    about: { format: WireFormat; fps: number; signal: AbortSignal },
  ) {
    this.#list = list;
    this.#clipOf = clipOf;
    this.#about = about;
  }

  /**
   * Returns a decoder that has the picture, or will; undefined if it turns out that it can't be shown.
   *
   * @param image it, if it was read just now
   */
  async decoderFor(number: number, image?: Image): Promise<KindDecoding | undefined> {
    const kind = this.#list.kind(number);
    if (typeof kind !== 'string') return undefined;
    await this.#starting.get(kind);
    const decoding = this.#started.get(kind);
    this.#started.delete(kind);
    if (decoding?.covers(number)) {
      this.#started.set(kind, decoding);
      return decoding;
    }
    decoding?.stop();
    await this.#start(kind, number, image);
    return this.#started.get(kind);
  }

  /** Starts the decoder of a picture that will be needed soon, if there is room for one more. */
  prepare(number: number): void {
    const kind = this.#list.kind(number);
    if (typeof kind !== 'string' || this.#started.has(kind) || this.#starting.has(kind)) return;
    if (this.#started.size + this.#starting.size >= MOST_DECODERS) return;
    // The call that needs this decoder gets the reason.
    this.#start(kind, number).catch(() => {});
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const decoding of this.#started.values()) decoding.stop();
  }

  #start(kind: string, number: number, image?: Image): Promise<void> {
    const starting = this.#begin(kind, number, image).finally(() => this.#starting.delete(kind));
    this.#starting.set(kind, starting);
    return starting;
  }

  async #begin(kind: string, number: number, read?: Image): Promise<void> {
    const image = read ?? (await this.#list.read(number));
    if (!image) return;
    let clip: Clip;
    try {
      clip = await this.#clipOf(image);
    } catch (thrown) {
      if (this.#about.signal.aborted) throw thrown;
      this.#list.skip(number, (thrown as Error).message);
      return;
    }
    if (this.#isDisposed) return;
    this.#makeRoom(clip);
    this.#started.set(kind, new KindDecoding(this.#list, image, number, clip, this.#about));
  }

  #makeRoom(clip: Clip): void {
    const clips = () => [clip, ...this.#started.values().map(decoding => decoding.clip)];
    for (const [kind, decoding] of this.#started) {
      if (this.#started.size < MOST_DECODERS && fitsMemory(clips(), this.#about.format)) return;
      decoding.stop();
      this.#started.delete(kind);
    }
  }
}
