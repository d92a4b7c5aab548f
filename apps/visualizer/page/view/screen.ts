import { Film } from './film.ts';
import type { Pixels } from './pixels.ts';

const BEHIND = 'behind';

/** Shows the picture: stills in a canvas, and the live picture as video where the browser can. */
export class Screen {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: ImageBitmapRenderingContext;
  #film: Film | undefined;
  #front: HTMLCanvasElement | HTMLVideoElement;
  #probe: CanvasRenderingContext2D | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#front = canvas;
    this.#context = canvas.getContext('bitmaprenderer')!;
  }

  /** The picture's size in its own pixels. */
  get size(): { width: number; height: number } {
    const { width, height } = this.#front;
    return { width, height };
  }

  /** Shows a frame of the live picture, and calls `shown` when it is on the screen. */
  showLive(pixels: Pixels, shown: () => void): void {
    if (pixels instanceof ImageBitmap) {
      this.show(pixels);
      shown();
      return;
    }
    this.#film ??= this.#createFilm();
    const film = this.#film;
    film.show(pixels, () => {
      this.#bringToFront(film.video);
      shown();
    });
  }

  /** Moves decoded pixels to the screen; drawImage would copy them. */
  show(bitmap: ImageBitmap): void {
    const canvas = this.#canvas;
    if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
    if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
    this.#context.transferFromImageBitmap(bitmap);
    this.#bringToFront(canvas);
  }

  /** Shows no live frame that is not on the screen yet. */
  forget(): void {
    this.#film?.forget();
  }

  /** Sets how the picture is drawn. */
  style(style: Partial<Pick<CSSStyleDeclaration, 'filter' | 'imageRendering'>>): void {
    for (const element of [this.#canvas, this.#film?.video]) if (element) Object.assign(element.style, style);
  }

  /** Returns red, green and blue of a pixel, 0 to 255. */
  sample(x: number, y: number): [number, number, number] {
    if (!this.#probe) {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 1;
      this.#probe = canvas.getContext('2d', { willReadFrequently: true })!;
    }
    this.#probe.drawImage(this.#front, x, y, 1, 1, 0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = this.#probe.getImageData(0, 0, 1, 1).data;
    return [red, green, blue];
  }

  /** Draws the picture into a canvas of its own size. */
  drawTo(context: OffscreenCanvasRenderingContext2D): void {
    context.drawImage(this.#front, 0, 0);
  }

  #createFilm(): Film {
    const film = new Film();
    const { video } = film;
    const { className, ariaLabel, style } = this.#canvas;
    video.id = BEHIND;
    video.className = `${className} ${BEHIND}`;
    video.ariaLabel = ariaLabel;
    video.style.cssText = style.cssText;
    this.#canvas.before(video);
    return film;
  }

  /** The element that shows the picture is the one that is named so. */
  #bringToFront(front: HTMLCanvasElement | HTMLVideoElement): void {
    const back = this.#front;
    if (front === back) return;
    this.#front = front;
    [front.id, back.id] = [back.id, front.id];
    back.classList.add(BEHIND);
    front.classList.remove(BEHIND);
  }
}
