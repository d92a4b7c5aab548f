import type { Screen } from './screen.ts';

/** JPEG leaves no black darker than this. */
const BLACK = 8;
const LOOK_MS = 1000;
/** JPEG's blocks blur the edge of what is redacted by this many pixels. */
const EDGE = 8;

/**
 * Where the picture is redacted. The server names the mask and not its shape: what has been black in every look since the mask
 * last changed counts as redacted, and a place that is dark all night does too.
 */
export class Cover {
  /** Opaque where the picture is redacted. */
  readonly canvas = document.createElement('canvas');
  /** Changes with the canvas. */
  version = 0;
  #kind = '';
  #left = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #black: Uint8Array = new Uint8Array();

  /** Looks at the picture, at most once a second, for as long as a look may find anything new. */
  look(screen: Screen, mask: string | null | undefined): void {
    const { width, height } = screen.size;
    const kind = `${width} ${height} ${mask ?? this.#kind.split(' ')[2] ?? ''}`;
    if (kind !== this.#kind) {
      this.#black = new Uint8Array(width * height).fill(1);
      this.#left = width * height + 1;
      this.#lookedMs = Number.NEGATIVE_INFINITY;
    }
    this.#kind = kind;
    if (this.#left === 0 || performance.now() - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = performance.now();
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    screen.drawTo(context);
    const picture = context.getImageData(0, 0, width, height);
    const { data } = picture;
    let left = 0;
    for (let i = 0, at = 0; i < this.#black.length; i++, at += 4) {
      if (this.#black[i] && data[at]! + data[at + 1]! + data[at + 2]! > 3 * BLACK) this.#black[i] = 0;
      left += this.#black[i]!;
      data[at + 3] = 255 * this.#black[i]!;
    }
    if (left === this.#left) return;
    this.#left = left;
    context.putImageData(picture, 0, 0);
    this.#draw(context.canvas);
  }

  #draw(black: OffscreenCanvas): void {
    const { canvas } = this;
    canvas.width = black.width;
    canvas.height = black.height;
    const context = canvas.getContext('2d')!;
    for (const x of [-EDGE, 0, EDGE]) for (const y of [-EDGE, 0, EDGE]) context.drawImage(black, x, y);
    this.version++;
  }
}
