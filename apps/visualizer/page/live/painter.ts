import type { FrameMessage, PictureFacts } from '../../messages.js';
import type { Screen } from '../view/screen.ts';
import { decodeBase64 } from './base64.ts';
import type { Polled } from './polling.ts';

/** A frame that is on the screen. */
export interface Drawn extends PictureFacts {
  /** The very bytes that were decoded. */
  jpeg: Blob;
  /** Unix ms on the browser's clock. */
  drawnAt: number;
}

/**
 * Decodes and draws frames, one at a time. Of those that arrive meanwhile only the newest is kept, unparsed: a frame
 * that is never drawn is never parsed.
 */
export class Painter {
  /** Frames that a newer one replaced before their turn. */
  skipped = 0;
  /** Frames that this browser could not decode. */
  broken = 0;

  #screen: Screen;
  #onDrawn: (drawn: Drawn) => void;
  #next: string | Polled | undefined;
  #busy = false;
  #epoch = 0;

  constructor(screen: Screen, onDrawn: (drawn: Drawn) => void) {
    this.#screen = screen;
    this.#onDrawn = onDrawn;
  }

  /** @param next the data of a `frame` event, or a still that was asked for */
  offer(next: string | Polled): void {
    if (this.#next) this.skipped++;
    this.#next = next;
    if (!this.#busy) void this.#drawAll();
  }

  /** Leaves the screen as it is and draws nothing that was offered until now. */
  hold(): void {
    this.#next = undefined;
    this.#epoch++;
  }

  async #drawAll(): Promise<void> {
    this.#busy = true;
    for (let next = this.#take(); next; next = this.#take()) {
      const epoch = this.#epoch;
      try {
        const { jpeg, ...facts } =
          typeof next === 'string' ? parse(next) : { position: null, latencyMs: null, ...next };
        const bitmap = await createImageBitmap(jpeg);
        const { width, height } = bitmap;
        if (epoch !== this.#epoch) {
          bitmap.close();
          continue;
        }
        this.#screen.show(bitmap);
        this.#onDrawn({ width, height, ...facts, jpeg, drawnAt: Date.now() });
      } catch {
        this.broken++;
      }
    }
    this.#busy = false;
  }

  #take(): string | Polled | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }
}

function parse(data: string) {
  const { jpeg, ...facts } = JSON.parse(data) as FrameMessage;
  return { ...facts, jpeg: new Blob([decodeBase64(jpeg)], { type: 'image/jpeg' }) };
}
