import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { isEncrypted } from '../common/secure-server.ts';
import type { Picture } from './picture.ts';

/** Timers are this coarse: a frame this much early still counts as on time for a viewer with a capped rate. */
const EARLY_MS = 3;

export interface ViewerEvents {
  /** It missed a frame: a newer one came before its socket drained. */
  skipped(): void;
  /** It can take a picture again, and none has been made of the newest frame. */
  caughtUp(): void;
  /** A picture of this many bytes was written to it. */
  wrote(bytes: number): void;
}

/** How a viewer's visit ended. */
export type Ending = 'left' | 'too slow' | 'access ended' | 'made room' | 'stopped';

/** Returns a picture's bytes in the form of one kind of stream. */
export type Render = (picture: Picture) => Buffer;

/**
 * Writes pictures to one HTTP response. At most one picture waits: while the socket has not drained, a newer picture
 * replaces it, and the newest is written the moment it drains.
 */
export class Viewer {
  readonly #response: ServerResponse;
  /** What says whether the client keeps up: of HTTP/2 the stream, because its response does not. */
  readonly #sink: Writable;
  readonly #render: Render;
  readonly #intervalMs: number;
  readonly #events: ViewerEvents;
  #dueMs = 0;
  #wroteMs = performance.now();
  /** What was written last, while the client has not taken it. */
  #held: Buffer | undefined;
  #waiting: Picture | 'a frame' | undefined;
  /** Whether the last picture offered was a card. */
  #card = false;
  #bytes = 0;
  #ending: Ending = 'left';

  /** @param maxFps this viewer's own cap, Infinity for none */
  constructor(response: ServerResponse, render: Render, maxFps: number, events: ViewerEvents) {
    this.#response = response;
    this.#sink = sinkOf(response);
    this.#render = render;
    this.#intervalMs = 1000 / maxFps;
    this.#events = events;
    response.on('drain', () => {
      this.#held = undefined;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === 'a frame') events.caughtUp();
      else if (waiting) this.#write(waiting);
    });
  }

  /** How many bytes of pictures were written to it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Why it is disconnected; until it is, as if it left by itself. */
  get ending(): Ending {
    return this.#ending;
  }

  /** Whether we have disconnected it. */
  get released(): boolean {
    return this.#sink.destroyed;
  }

  /** Whether it has not yet taken what was written to it. */
  get behind(): boolean {
    return this.#sink.writableNeedDrain;
  }

  /** What was written to it and not yet taken, the picture that its memory is held for. */
  get held(): Buffer | undefined {
    return this.released ? undefined : this.#held;
  }

  /** Whether what it holds is its own: HTTP/1.1 over TLS encrypts all of it at once, HTTP/2 as the client takes it. */
  get encrypted(): boolean {
    return this.#sink === this.#response && isEncrypted(this.#response.req);
  }

  get wroteMs(): number {
    return this.#wroteMs;
  }

  /** Whether the client has closed its sending half. It may still read, or be gone: only a write finds out. */
  get halfClosed(): boolean {
    return this.#response.req.socket?.readableEnded === true;
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

  /** Notes a frame that is not encoded because no viewer can take it. */
  pass(nowMs: number): void {
    if (!this.behind || !this.#isDue(nowMs, false)) return;
    this.#advance(nowMs, false);
    this.#wait('a frame');
  }

  /** Writes the picture that it already shows once more, if nothing was written for `idleMs`, its own cap allowing. */
  keepAlive(picture: Picture, nowMs: number, idleMs: number): void {
    // A write finds out whether it is gone.
    const leastMs = this.halfClosed ? 0 : Math.max(idleMs, this.#intervalMs);
    if (this.behind || nowMs - this.#wroteMs < leastMs) return;
    this.#write(picture);
  }

  /** Ends its stream with these bytes, or without them if it has not taken what was written before. */
  dismiss(farewell: Buffer): void {
    if (this.behind) {
      this.release('stopped');
      return;
    }
    if (!this.released) this.#ending = 'stopped';
    this.#sink.end(farewell);
  }

  release(ending: Ending): void {
    if (!this.released) this.#ending = ending;
    this.#sink.destroy();
  }

  /** The cap holds within a kind: a change between picture and card is shown at once. */
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
    this.#wroteMs = performance.now();
    const bytes = this.#render(picture);
    this.#bytes += bytes.length;
    this.#events.wrote(bytes.length);
    this.#response.write(bytes);
    this.#held = this.behind ? bytes : undefined;
  }
}

/** Returns where the bytes of a response go: in HTTP/2 its stream. */
export function sinkOf(response: ServerResponse): Writable {
  return (response as ServerResponse & { stream?: Writable }).stream ?? response;
}
