import type { ServerResponse } from 'node:http';
import type { Picture } from './picture.ts';

/** A timer's grain: a frame this much early still counts as on time for a viewer with a capped rate. */
const EARLY_MS = 3;

/** What a viewer tells of. */
export interface ViewerEvents {
  /** It missed a frame: a newer one came before its socket drained. */
  skipped(): void;
  /** It could take a picture now, and of the newest frame none was made while it could not. */
  caughtUp(): void;
}

/**
 * One HTTP response that pictures are written to. At most one picture waits in it: while its socket has not drained
 * newer ones pass it by, and the newest is written the moment it drains.
 */
export class Viewer {
  readonly #response: ServerResponse;
  readonly #render: (picture: Picture) => Buffer;
  readonly #intervalMs: number;
  readonly #events: ViewerEvents;
  #dueMs = 0;
  #waiting: Picture | 'a frame' | undefined;
  /** Whether what it was last offered says that nothing is live. */
  #card = false;

  /** @param maxFps this viewer's own cap, Infinity for none */
  constructor(
    response: ServerResponse,
    render: (picture: Picture) => Buffer,
    maxFps: number,
    events: ViewerEvents,
  ) {
    this.#response = response;
    this.#render = render;
    this.#intervalMs = 1000 / maxFps;
    this.#events = events;
    response.on('drain', () => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === 'a frame') events.caughtUp();
      else if (waiting) this.#write(waiting);
    });
  }

  /** Whether it has yet to take what was written to it. */
  get behind(): boolean {
    return this.#response.writableNeedDrain;
  }

  /** Whether a picture made now would be written now. */
  wants(nowMs: number): boolean {
    return !this.behind && this.#isDue(nowMs, false);
  }

  offer(picture: Picture, nowMs: number): void {
    if (!this.#isDue(nowMs, picture.card)) return;
    this.#advance(nowMs, picture.card);
    if (this.behind) this.#wait(picture);
    else this.#write(picture);
  }

  /** A frame has come of which no picture is made, since nobody could take it. */
  pass(nowMs: number): void {
    if (!this.behind || !this.#isDue(nowMs, false)) return;
    this.#advance(nowMs, false);
    this.#wait('a frame');
  }

  release(): void {
    this.#response.destroy();
  }

  /** The cap is for pictures of one kind: that the picture is live again, or no longer, is shown at once. */
  #isDue(nowMs: number, card: boolean): boolean {
    return card !== this.#card || nowMs >= this.#dueMs - EARLY_MS;
  }

  #advance(nowMs: number, card: boolean): void {
    // From the moment that was due, not from now, or a cap of 20 of 30 fps would become 15.
    const dueMs = card === this.#card ? this.#dueMs : nowMs;
    this.#dueMs = Math.max(dueMs + this.#intervalMs, nowMs - this.#intervalMs);
    this.#card = card;
  }

  #wait(newest: Picture | 'a frame'): void {
    const before = this.#waiting;
    if (before === 'a frame' || before?.card === false) this.#events.skipped();
    this.#waiting = newest;
  }

  #write(picture: Picture): void {
    this.#response.write(this.#render(picture));
  }
}
