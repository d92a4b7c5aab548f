import { POINTER_TEXT, placeText } from '../text.ts';
import type { Screen } from '../view/screen.ts';
import type { Sector } from '../view/sector.ts';
import { byId, setText } from './dom.ts';

/** Shows which pixel is under the pointer and its grey value. */
export class Pointer {
  readonly #field = byId('pointer');
  readonly #screen: Screen;
  #point: [number, number] | undefined;
  sector: Sector | undefined;
  #due = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** @param point of the picture, 0 to 1 */
  at(point: [number, number] | undefined): void {
    this.#point = point;
    this.refresh();
  }

  /** Reads the pixel again, at most once a frame of the screen: the picture may be another. */
  refresh(): void {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#show();
    });
  }

  /** The place under the pointer, or in the middle of the picture if the pointer is elsewhere. */
  get place() {
    return this.sector?.placeOf(...(this.#point ?? ([0.5, 0.5] as const)));
  }

  #show(): void {
    const { width, height } = this.#screen.size;
    const [u, v] = this.#point ?? [-1, -1];
    const [x, y] = [Math.floor(u * width), Math.floor(v * height)];
    const inside = x >= 0 && y >= 0 && x < width && y < height;
    this.#field.hidden = !inside;
    if (!inside) return;
    const { place } = this;
    const [red, green, blue] = this.#screen.sample(x, y);
    setText(
      this.#field,
      POINTER_TEXT(
        x,
        y,
        Math.round(0.299 * red + 0.587 * green + 0.114 * blue),
        place ? placeText(place) : '',
      ),
    );
  }
}
