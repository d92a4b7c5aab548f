import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJpeg } from '../support/jpeg.ts';
import { events, parts } from '../support/streams.ts';
import { type Lie, type Pace, type Shown, ShownFrames } from './shown-frames.ts';

/** After more than this without a picture the last one is sent again, so that nobody takes the connection for dead. */
const QUIET_MS = 3000;

/** A viewer of both streams that checks every frame it is shown, and connects again when a connection ends. */
export class Witness implements Disposable {
  /** What no viewer may see, in words. */
  readonly offences: string[] = [];
  frames = 0;
  /** The newest frame: when it came, `performance.now()`, and when it says that it was published, Unix ms. */
  newest = { atMs: 0, publishedAt: 0, width: 0 };
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #life = new AbortController();
  readonly #frames = new ShownFrames();
  readonly #parts = new ShownFrames();

  /** @param headers what shows that it may watch */
  constructor(url: string, headers: Record<string, string> = {}) {
    this.#url = url;
    this.#headers = headers;
    void this.#again(() => this.#watchEvents());
    void this.#again(() => this.#watchParts());
  }

  /** What frames may lie about at the moment. */
  set lie(lie: Lie | undefined) {
    this.#frames.lie = lie;
    this.#parts.lie = lie;
  }

  set pace(pace: Pace) {
    this.#frames.pace = pace;
    this.#parts.pace = pace;
  }

  get lie(): Lie | undefined {
    return this.#frames.lie;
  }

  async #again(watch: () => Promise<void>): Promise<void> {
    while (!this.#life.signal.aborted) {
      // The visualizer may be gone, or not there yet.
      await watch().catch(() => {});
      await sleep(20);
    }
  }

  async #watchEvents(): Promise<void> {
    for await (const { event, data } of events(`${this.#url}/stream`, this.#life.signal, this.#headers)) {
      if (event !== 'frame') continue;
      const { publishedAt, width, jpeg } = data as Shown & { width: number; jpeg: string };
      this.frames += 1;
      this.newest = { atMs: performance.now(), publishedAt, width };
      this.offences.push(...this.#frames.look(data, await decodeJpeg(Buffer.from(jpeg, 'base64'))));
    }
  }

  async #watchParts(): Promise<void> {
    let last = { publishedAt: 0, atMs: 0 };
    for await (const { headers } of parts(`${this.#url}/stream.mjpg`, this.#life.signal, this.#headers)) {
      // The card that says why there is no picture has no position.
      if (headers['x-position'] === undefined) continue;
      const publishedAt = 1000 * Number(headers['x-timestamp']);
      const atMs = performance.now();
      const isKeepAlive = publishedAt === last.publishedAt && atMs - last.atMs > QUIET_MS;
      last = { publishedAt, atMs };
      if (isKeepAlive) continue;
      const shown = {
        seq: Number(headers['x-sequence']),
        publishedAt,
        position: Number(headers['x-position']),
      };
      this.offences.push(...this.#parts.look(shown));
    }
  }

  [Symbol.dispose](): void {
    this.#life.abort();
  }
}
