import type { FrameMessage, PictureFacts } from '../../messages.js';
import type { Screen } from '../view/screen.ts';
import { decodeBase64 } from './base64.ts';

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
  #next: string | undefined;
  #busy = false;
  #epoch = 0;

  constructor(screen: Screen, onDrawn: (drawn: Drawn) => void) {
    this.#screen = screen;
    this.#onDrawn = onDrawn;
  }

  /** @param data the data of a `frame` event */
  offer(data: string): void {
    if (this.#next) this.skipped++;
    this.#next = data;
    if (!this.#busy) void this.#drawAll();
  }

  /** Leaves the screen as it is and draws nothing that was offered until now. */
  hold(): void {
    this.#next = undefined;
    this.#epoch++;
  }

  async #drawAll(): Promise<void> {
    this.#busy = true;
    for (let data = this.#take(); data; data = this.#take()) {
      const epoch = this.#epoch;
      try {
        const { jpeg: base64, ...facts } = JSON.parse(data) as FrameMessage;
        const jpeg = new Blob([decodeBase64(base64)], { type: 'image/jpeg' });
        const bitmap = await createImageBitmap(jpeg);
        if (epoch !== this.#epoch) {
          bitmap.close();
          continue;
        }
        this.#screen.show(bitmap);
        this.#onDrawn({ ...facts, jpeg, drawnAt: Date.now() });
      } catch {
        this.broken++;
      }
    }
    this.#busy = false;
  }

  #take(): string | undefined {
    const data = this.#next;
    this.#next = undefined;
    return data;
  }
}
