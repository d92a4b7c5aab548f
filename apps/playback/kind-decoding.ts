import { Fault } from '../common/errors.ts';
import type { WireFormat } from '../common/pixels.ts';
import type { Clip } from './clip.ts';
import { type Decoding, decode } from './decode.ts';
import type { Image } from './image-file.ts';
import type { PictureList } from './picture-list.ts';

/** Without another of its kind among this many pictures a decoder ends. So it reads no folder through for the next one. */
const MOST_OTHERS = 32;

/** One decoder for the pictures of one kind in a list, from one of them on. Others lie between them. */
export class KindDecoding {
  readonly clip: Clip;
  readonly #list: PictureList;
  readonly #kind: string;
  readonly #from: number;
  readonly #decoding: Decoding;
  readonly #pictures: AsyncIterator<{ number: number; message: Buffer }>;
  /** The number in the list of each picture that the decoder got. */
  readonly #fed: number[] = [];
  /** Decoded, and not asked for yet. */
  #ahead: { number: number; message: Buffer } | undefined;
  #isOver = false;

  /** @param first the picture with the number `from` */
  constructor(
    list: PictureList,
    first: Image,
    from: number,
    clip: Clip,
    { format, fps, signal }: { format: WireFormat; fps: number; signal: AbortSignal },
  ) {
    this.clip = clip;
    this.#list = list;
    this.#kind = list.kind(from)!;
    this.#from = from;
    const images = { codec: first.codec, bytes: this.#bytes(first) };
    this.#decoding = decode(clip, format, signal, { fps, images, damaged() {} });
    this.#pictures = this.#decoded();
  }

  /** Returns whether it has decoded the picture, or will. */
  covers(number: number): boolean {
    return number >= this.#from && (!this.#isOver || number <= this.#fed.at(-1)!);
  }

  /** Returns a picture of the kind; undefined if it does not decode. To be asked for in their order. */
  async message(number: number): Promise<Buffer | undefined> {
    for (;;) {
      if (!this.#ahead) this.#ahead = (await this.#pictures.next()).value;
      if (!this.#ahead || this.#ahead.number > number) return undefined;
      const { number: found, message } = this.#ahead;
      this.#ahead = undefined;
      if (found === number) return message;
    }
  }

  stop(): void {
    this.#isOver = true;
    this.#decoding.stop();
  }

  async *#decoded(): AsyncGenerator<{ number: number; message: Buffer }, undefined> {
    try {
      for await (const { message, positionUs } of this.#decoding) {
        yield { number: this.#fed[Math.round(positionUs / 1e6)]!, message };
      }
    } catch (thrown) {
      // That of none a picture came.
      if (!(thrown instanceof Fault) || thrown.code !== 'bad-clip') throw thrown;
    } finally {
      this.#isOver = true;
    }
  }

  async *#bytes(first: Image): AsyncGenerator<Uint8Array> {
    this.#fed.push(this.#from);
    yield first.bytes;
    let others = 0;
    for (let number = this.#from + 1; number < this.#list.length && others < MOST_OTHERS; number += 1) {
      if (this.#isOver) return;
      others += 1;
      if (![undefined, this.#kind].includes(this.#list.kind(number) as string | undefined)) continue;
      const image = await this.#list.read(number);
      if (!image || this.#list.kind(number) !== this.#kind) continue;
      others = 0;
      this.#fed.push(number);
      yield image.bytes;
    }
  }
}
