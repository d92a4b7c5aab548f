import type { Place } from './fixed-grid.ts';
import type { Screen } from './screen.ts';
import type { Sector } from './sector.ts';
import type { View } from './view.ts';
import { placeOf } from './viewport.ts';

/** Draws latitudes and longitudes over the picture, and nothing where the picture is covered. */
export class Overlay {
  on = true;
  readonly #canvas: HTMLCanvasElement;
  readonly #view: View;
  readonly #screen: Screen;
  #sector: Sector | undefined;
  #due = false;

  constructor(canvas: HTMLCanvasElement, view: View, screen: Screen) {
    this.#canvas = canvas;
    this.#view = view;
    this.#screen = screen;
  }

  /** Draws anew, at most once a frame of the screen. */
  draw(sector: Sector | undefined, visible: boolean): void {
    this.#sector = this.on && visible ? sector : undefined;
    if (!this.#sector && this.#canvas.hidden) return;
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
    });
  }

  #draw(): void {
    const canvas = this.#canvas;
    const sector = this.#sector;
    canvas.hidden = !sector;
    if (!sector) return;
    const { viewport, room } = this.#view;
    const { width, height } = room.window;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    const context = canvas.getContext('2d')!;
    context.scale(devicePixelRatio, devicePixelRatio);
    context.translate(width / 2, height / 2);
    context.strokeStyle = 'rgb(255 255 255 / 45%)';
    context.beginPath();
    const covered = this.#screen.covered();
    const line = (places: Place[]) => {
      let drawing = false;
      for (const place of places) {
        const [u = -1, v = -1] = sector.pointOf(place) ?? [];
        const seen = u >= 0 && u <= 1 && v >= 0 && v <= 1 && !covered(u, v);
        if (seen) {
          const [x, y] = placeOf(viewport, u, v, room);
          if (drawing) context.lineTo(x, y);
          else context.moveTo(x, y);
        }
        drawing = seen;
      }
    };
    const step = viewport.zoom > 3 ? 5 : 10;
    const every = (from: number, to: number, by: number) =>
      Array.from({ length: (to - from) / by + 1 }, (_, i) => from + i * by);
    for (const lon of every(-180, 180 - step, step)) line(every(-80, 80, 0.5).map(lat => ({ lat, lon })));
    for (const lat of every(-80, 80, step)) line(every(-180, 180, 0.5).map(lon => ({ lat, lon })));
    context.stroke();
  }
}
