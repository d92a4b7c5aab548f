import { setTimeout as sleep } from 'node:timers/promises';
import { brightest, decodeJpeg } from '../support/jpeg.ts';
import { events } from '../support/streams.ts';

/** JPEG blocks that lie wholly under the border of `BORDER_PX` are black to the last bit. */
const SURELY_BLACK_PX = 16;
export const BORDER_PX = 32;
const BLACK = 4;

/** A viewer that checks every frame it is shown, and connects again when its connection ends. */
export class Witness implements Disposable {
  /** What no viewer may see, in words. */
  readonly offences: string[] = [];
  frames = 0;
  /** When the newest frame came, `performance.now()`, and when it says that it was published, Unix ms. */
  newest = { atMs: 0, publishedAt: 0 };
  /** Whether frames may come that a corrupted trailer or a wrong clock puts out of order. */
  clockIsRight = true;
  readonly #url: string;
  readonly #life = new AbortController();

  constructor(url: string) {
    this.#url = url;
    void this.#watch();
  }

  async #watch(): Promise<void> {
    while (!this.#life.signal.aborted) {
      try {
        for await (const { event, data } of events(`${this.#url}/stream`, this.#life.signal)) {
          if (this.#life.signal.aborted) return;
          if (event === 'frame') await this.#check(data);
        }
      } catch {
        // The visualizer is gone, or not there yet.
      }
      await sleep(20);
    }
  }

  async #check({
    seq,
    publishedAt,
    jpeg,
  }: {
    seq: number;
    publishedAt: number;
    jpeg: string;
  }): Promise<void> {
    this.frames += 1;
    const before = this.newest.publishedAt;
    if (this.clockIsRight && publishedAt <= before)
      this.offences.push(
        `frame ${seq} was published at ${publishedAt}, and the one shown before it at ${before}`,
      );
    this.newest = { atMs: performance.now(), publishedAt };
    const picture = await decodeJpeg(Buffer.from(jpeg, 'base64'));
    const { width, height } = picture;
    const edge = Math.min(SURELY_BLACK_PX, width >> 1);
    const most = brightest(
      picture,
      (x, y) => x < edge || y < edge || x >= width - edge || y >= height - edge,
    );
    if (most > BLACK) this.offences.push(`frame ${seq} of ${width}×${height} has ${most} in its border`);
  }

  [Symbol.dispose](): void {
    this.#life.abort();
  }
}
