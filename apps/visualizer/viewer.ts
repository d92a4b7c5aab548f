import type { ServerResponse } from 'node:http';
import type { Picture } from './picture.ts';

/** A timer's grain: a frame this much early still counts as on time for a viewer with a capped rate. */
const EARLY_MS = 3;

/**
 * One HTTP response that pictures are written to. At most one picture waits in it: while its socket has not drained
 * newer ones pass it by, and the newest is written the moment it drains.
 */
export class Viewer {
  readonly #response: ServerResponse;
  readonly #render: (picture: Picture) => Buffer;
  readonly #intervalMs: number;
  readonly #skipped: () => void;
  #dueMs = 0;
  #newest: Picture | undefined;
  #blockedSinceMs: number | undefined;

  /**
   * @param maxFps this viewer's own cap, Infinity for none
   * @param skipped told of each picture that a newer one replaced before the socket drained
   */
  constructor(
    response: ServerResponse,
    render: (picture: Picture) => Buffer,
    maxFps: number,
    skipped: () => void,
  ) {
    this.#response = response;
    this.#render = render;
    this.#intervalMs = 1000 / maxFps;
    this.#skipped = skipped;
    response.on('drain', () => {
      this.#blockedSinceMs = undefined;
      const picture = this.#newest;
      this.#newest = undefined;
      if (picture) this.#write(picture);
    });
  }

  /** Whether a picture made now would be written now. */
  wants(nowMs: number): boolean {
    return this.#blockedSinceMs === undefined && nowMs >= this.#dueMs - EARLY_MS;
  }

  /** How long its socket has taken nothing, in milliseconds. */
  blockedMs(nowMs: number): number {
    return this.#blockedSinceMs === undefined ? 0 : nowMs - this.#blockedSinceMs;
  }

  offer(picture: Picture, nowMs: number): void {
    if (nowMs < this.#dueMs - EARLY_MS) return;
    // From the moment that was due, not from now, or a cap of 20 of 30 fps would become 15.
    this.#dueMs = Math.max(this.#dueMs + this.#intervalMs, nowMs - this.#intervalMs);
    if (this.#blockedSinceMs === undefined) {
      this.#write(picture);
    } else {
      if (this.#newest) this.#skipped();
      this.#newest = picture;
    }
  }

  release(): void {
    this.#response.destroy();
  }

  #write(picture: Picture): void {
    if (!this.#response.write(this.#render(picture))) this.#blockedSinceMs = performance.now();
  }
}
