import { decodeBase64 } from './base64.ts';
import type { Frame } from './messages.ts';

/** A frame as it stands on the screen. */
export interface Drawn extends Omit<Frame, 'jpeg'> {
  /** The very bytes that were decoded. */
  jpeg: Blob;
  receivedAt: number;
  drawnAt: number;
}

interface Offer {
  data: string;
  receivedAt: number;
}

/**
 * Decodes and draws frames, one at a time. Of those that arrive meanwhile only the newest is kept, as it came: what is
 * never drawn is never parsed.
 */
export class Picture {
  /** Frames that a newer one replaced before their turn. */
  skipped = 0;
  /** Frames that this browser could not decode. */
  broken = 0;

  #canvas: HTMLCanvasElement;
  #screen: ImageBitmapRenderingContext;
  #onDrawn: (drawn: Drawn) => void;
  #next: Offer | undefined;
  #busy = false;
  #epoch = 0;

  constructor(canvas: HTMLCanvasElement, onDrawn: (drawn: Drawn) => void) {
    this.#canvas = canvas;
    this.#screen = canvas.getContext('bitmaprenderer') as ImageBitmapRenderingContext;
    this.#onDrawn = onDrawn;
  }

  /** @param data a frame event's data. */
  offer(data: string): void {
    if (this.#next) this.skipped++;
    this.#next = { data, receivedAt: Date.now() };
    if (!this.#busy) void this.#drawAll();
  }

  /** Leaves the screen as it is: nothing offered until now is drawn any more. */
  hold(): void {
    this.#next = undefined;
    this.#epoch++;
  }

  async #drawAll(): Promise<void> {
    this.#busy = true;
    for (let offer = this.#take(); offer; offer = this.#take()) {
      const epoch = this.#epoch;
      try {
        const { jpeg: base64, ...frame } = JSON.parse(offer.data) as Frame;
        const jpeg = new Blob([decodeBase64(base64)], { type: 'image/jpeg' });
        const bitmap = await createImageBitmap(jpeg);
        if (epoch !== this.#epoch) {
          bitmap.close();
          continue;
        }
        if (this.#canvas.width !== bitmap.width) this.#canvas.width = bitmap.width;
        if (this.#canvas.height !== bitmap.height) this.#canvas.height = bitmap.height;
        // Hands the decoded pixels over as they are; drawImage would copy them once more.
        this.#screen.transferFromImageBitmap(bitmap);
        this.#onDrawn({ ...frame, jpeg, receivedAt: offer.receivedAt, drawnAt: Date.now() });
      } catch {
        this.broken++;
      }
    }
    this.#busy = false;
  }

  #take(): Offer | undefined {
    const offer = this.#next;
    this.#next = undefined;
    return offer;
  }
}
