import type { PictureFacts } from '../../messages.js';
import { decode, sizeOf } from '../view/pixels.ts';
import type { Screen } from '../view/screen.ts';
import { decodeBase64 } from './base64.ts';
import type { Polled } from './polling.ts';
import type { FrameData } from './share.ts';

/** A frame that is on the screen. */
export interface Drawn extends PictureFacts {
  /** Returns the very bytes that were decoded. */
  jpeg: () => Blob;
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
  #next: FrameData | Polled | undefined;
  #busy = false;
  #epoch = 0;

  constructor(screen: Screen, onDrawn: (drawn: Drawn) => void) {
    this.#screen = screen;
    this.#onDrawn = onDrawn;
  }

  /** @param next the data of a `frame` event, or a still that was asked for */
  offer(next: FrameData | Polled): void {
    if (this.#next) this.skipped++;
    this.#next = next;
    if (!this.#busy) void this.#drawAll();
  }

  /** Leaves the screen as it is and draws nothing that was offered until now. */
  hold(): void {
    this.#next = undefined;
    this.#epoch++;
    this.#screen.forget();
  }

  async #drawAll(): Promise<void> {
    this.#busy = true;
    for (let next = this.#take(); next; next = this.#take()) {
      const epoch = this.#epoch;
      try {
        const { jpeg, facts } = next instanceof Uint8Array ? parse(next) : polled(next);
        const pixels = await decode(jpeg);
        if (epoch !== this.#epoch) {
          pixels.close();
          continue;
        }
        const [width, height] = sizeOf(pixels);
        this.#screen.showLive(pixels, () => {
          const drawnAt = Date.now();
          // A blob for every frame would cost the page 1.5 ms each.
          const blob = () => new Blob([jpeg], { type: 'image/jpeg' });
          this.#onDrawn({ width, height, ...facts, jpeg: blob, drawnAt });
        });
      } catch {
        this.broken++;
      }
    }
    this.#busy = false;
  }

  #take(): FrameData | Polled | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }
}

const JPEG = '"jpeg":"';

/** The picture comes last; JSON.parse would copy it once more. */
function parse(data: FrameData) {
  const text = new TextDecoder().decode(data);
  const begin = text.lastIndexOf(JPEG);
  const jpeg = text.slice(begin + JPEG.length, text.lastIndexOf('"'));
  const facts = JSON.parse(`${text.slice(0, begin).replace(/,$/, '')}}`) as PictureFacts;
  return { facts, jpeg: decodeBase64(jpeg) };
}

function polled({ jpeg, ...facts }: Polled) {
  return { facts: { position: null, latencyMs: null, ...facts }, jpeg };
}
