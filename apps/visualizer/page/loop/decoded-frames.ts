/** Some 23 frames of 1080p. */
const BUDGET_BYTES = 192e6;
const PARALLEL = 2;

interface Size {
  id: string;
  width: number;
  height: number;
}

/**
 * Decodes frames before they are due and keeps as many as the budget allows. The others are evicted and decoded again
 * when their turn comes near.
 */
export class DecodedFrames {
  readonly #jpeg: (id: string) => Blob | undefined;
  readonly #bitmaps = new Map<string, Promise<ImageBitmap | undefined>>();
  #wanted: Size[] = [];
  #decoding = 0;

  constructor(jpeg: (id: string) => Blob | undefined) {
    this.#jpeg = jpeg;
  }

  /** How many frames of this size are kept. */
  capacity({ width, height }: Size): number {
    return Math.max(3, Math.floor(BUDGET_BYTES / (width * height * 4)));
  }

  /** Names the frames that are needed, the next one first. */
  want(frames: Size[]): void {
    this.#wanted = frames;
    const wanted = new Set(frames.map(({ id }) => id));
    for (const id of this.#bitmaps.keys()) if (!wanted.has(id)) this.#evict(id);
    this.#decodeAhead();
  }

  /** Whether a frame is decoded or being decoded. */
  has(id: string): boolean {
    return this.#bitmaps.has(id);
  }

  /** Returns a frame's pixels, to be moved to the screen; undefined if there are none. Browsers copy them on write. */
  async take(id: string): Promise<ImageBitmap | undefined> {
    const bitmap = await (this.#bitmaps.get(id) ?? this.#decode(id));
    // Evicted while it was awaited.
    if (!bitmap?.width) return undefined;
    return await createImageBitmap(bitmap);
  }

  #decodeAhead(): void {
    while (this.#decoding < PARALLEL) {
      const next = this.#wanted.find(({ id }) => !this.#bitmaps.has(id) && this.#jpeg(id));
      if (!next) return;
      this.#decoding++;
      void this.#decode(next.id).finally(() => {
        this.#decoding--;
        this.#decodeAhead();
      });
    }
  }

  #decode(id: string): Promise<ImageBitmap | undefined> {
    const jpeg = this.#jpeg(id);
    if (!jpeg) return Promise.resolve(undefined);
    const bitmap = createImageBitmap(jpeg).catch(() => undefined);
    this.#bitmaps.set(id, bitmap);
    return bitmap;
  }

  #evict(id: string): void {
    void this.#bitmaps.get(id)?.then(bitmap => bitmap?.close());
    this.#bitmaps.delete(id);
  }
}
