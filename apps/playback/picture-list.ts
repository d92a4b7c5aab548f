import { asError } from '../common/errors.ts';
import { type Image, readImage } from './image-file.ts';

/** Picture files in the order in which they are shown. The kind of each is found once, when it is first read. */
export class PictureList {
  readonly #paths: readonly string[];
  readonly #kindOf: (image: Image) => string;
  readonly #skipped: (path: string, why: string) => void;
  /** By number; null for a picture that is left out. */
  readonly #kinds: (string | null | undefined)[] = [];

  /**
   * @param kindOf returns the same for pictures that one decoder takes
   * @param skipped called once with a picture that can't be shown, and why
   */
  constructor(
    paths: readonly string[],
    kindOf: (image: Image) => string,
    skipped: (path: string, why: string) => void,
  ) {
    this.#paths = paths;
    this.#kindOf = kindOf;
    this.#skipped = skipped;
  }

  get length(): number {
    return this.#paths.length;
  }

  /** Returns a picture's kind; undefined while nobody has read it, null if it is left out. */
  kind(number: number): string | null | undefined {
    return this.#kinds[number];
  }

  /** Reads a picture; undefined if it is left out. */
  async read(number: number): Promise<Image | undefined> {
    if (this.#kinds[number] === null) return undefined;
    try {
      const image = await readImage(this.#paths[number]!);
      const kind = this.#kindOf(image);
      this.#kinds[number] ??= kind;
      if (this.#kinds[number] === kind) return image;
      this.skip(number, 'is being written');
    } catch (thrown) {
      this.skip(number, asError(thrown).message);
    }
    return undefined;
  }

  skip(number: number, why: string): void {
    if (this.#kinds[number] === null) return;
    this.#kinds[number] = null;
    this.#skipped(this.#paths[number]!, why);
  }
}
