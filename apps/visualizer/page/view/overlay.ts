import { loadCoastlines } from './coastlines.ts';
import { Cover } from './cover.ts';
import type { Place } from './fixed-grid.ts';
import type { Screen } from './screen.ts';
import type { Sector } from './sector.ts';
import type { View } from './view.ts';
import { placeOf } from './viewport.ts';

const LINES = { coast: 'rgb(255 225 120 / 85%)', graticule: 'rgb(255 255 255 / 40%)' };
/** A line that jumps over this much of the picture goes round behind the Earth. */
const JUMP = 0.5;

/** Draws coastlines and latitudes and longitudes over the picture, and nothing where the picture is redacted. */
export class Overlay {
  readonly #canvas: HTMLCanvasElement;
  readonly #view: View;
  readonly #screen: Screen;
  readonly #cover = new Cover();
  #sector: Sector | undefined;
  #mask: string | null | undefined;
  #coast: Place[][] | undefined;
  #drawn = '';
  #due = false;

  constructor(canvas: HTMLCanvasElement, view: View, screen: Screen) {
    this.#canvas = canvas;
    this.#view = view;
    this.#screen = screen;
  }

  /** Draws anew if anything has changed, at most once a frame of the screen. */
  draw(sector: Sector | undefined, visible: boolean, mask: string | null | undefined): void {
    this.#sector = this.#view.look.map && visible ? sector : undefined;
    this.#mask = mask;
    if (!this.#sector && this.#canvas.hidden) return;
    if (this.#sector && !this.#coast) void this.#loadCoast();
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#show();
    });
  }

  async #loadCoast(): Promise<void> {
    this.#coast = [];
    this.#coast = await loadCoastlines().catch(() => []);
  }

  #show(): void {
    const sector = this.#sector;
    this.#canvas.hidden = !sector;
    if (!sector) {
      this.#drawn = '';
      return;
    }
    this.#cover.look(this.#screen, this.#mask);
    const { viewport, room } = this.#view;
    const facts = [viewport, room, devicePixelRatio, this.#coast?.length, this.#cover.version];
    const key = JSON.stringify(facts);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#draw(sector);
  }

  #draw(sector: Sector): void {
    const canvas = this.#canvas;
    const { viewport, room } = this.#view;
    const { width, height } = room.window;
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    const context = canvas.getContext('2d')!;
    context.scale(devicePixelRatio, devicePixelRatio);
    context.translate(width / 2, height / 2);
    const draw = (lines: Place[][], style: string) => {
      context.strokeStyle = style;
      context.beginPath();
      for (const line of lines) {
        let before: [number, number] | undefined;
        for (const place of line) {
          const point = sector.pointOf(place);
          if (point) {
            const near = before && Math.hypot(point[0] - before[0], point[1] - before[1]) < JUMP;
            const [x, y] = placeOf(viewport, ...point, room);
            if (near) context.lineTo(x, y);
            else context.moveTo(x, y);
          }
          before = point;
        }
      }
      context.stroke();
    };
    draw(graticule(viewport.zoom > 3 ? 5 : 10), LINES.graticule);
    draw(this.#coast ?? [], LINES.coast);
    this.#eraseCovered(context);
  }

  #eraseCovered(context: CanvasRenderingContext2D): void {
    const { viewport, room } = this.#view;
    const [left, top] = placeOf(viewport, 0, 0, room);
    const [right, bottom] = placeOf(viewport, 1, 1, room);
    const outside = new Path2D();
    outside.rect(-room.window.width, -room.window.height, 2 * room.window.width, 2 * room.window.height);
    outside.rect(left, top, right - left, bottom - top);
    context.globalCompositeOperation = 'destination-out';
    context.fill(outside, 'evenodd');
    context.drawImage(this.#cover.canvas, left, top, right - left, bottom - top);
  }
}

function graticule(step: number): Place[][] {
  const every = (from: number, to: number, by: number) =>
    Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => from + i * by);
  return [
    ...every(-180, 180 - step, step).map(lon => every(-80, 80, 0.5).map(lat => ({ lat, lon }))),
    ...every(-80, 80, step).map(lat => every(-180, 180, 0.5).map(lon => ({ lat, lon }))),
  ];
}
