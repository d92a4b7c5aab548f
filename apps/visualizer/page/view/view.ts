import type { Screen } from './screen.ts';
import { clamp, panBy, placeOf, pointAt, type Room, type Viewport, WHOLE, zoomAt } from './viewport.ts';

/** How the picture looks, for the eye only: what is saved is never changed. */
export interface Look {
  brightness: number;
  contrast: number;
  invert: boolean;
  /** Which colour table, 0 for none. */
  table: number;
  /** Whether coastlines and a graticule are drawn over it, where its place is known. */
  map: boolean;
}

export const PLAIN: Readonly<Look> = { brightness: 1, contrast: 1, invert: false, table: 0, map: true };
export const TABLES = 2;
const PAN_PX = 80;
const WHEEL_ZOOM = 0.0016;

export interface ViewEvents {
  changed(): void;
  /** The pointer is over this point of the picture, 0 to 1, or over none. */
  pointed(point: [number, number] | undefined): void;
  step(by: 1 | -1): void;
}

/** Shows a part of the picture, larger, and in other colours; it stays so from frame to frame. */
export class View {
  viewport: Viewport = { ...WHOLE };
  look: Look = { ...PLAIN };
  readonly #stage: HTMLElement;
  readonly #frame: HTMLElement;
  readonly #screen: Screen;
  readonly #events: ViewEvents;
  /** The pointers that are down, by id. */
  /** From the window's middle. */
  #pointer: [number, number] | undefined;
  readonly #hands = new Map<number, { x: number; y: number }>();

  constructor(stage: HTMLElement, frame: HTMLElement, screen: Screen, events: ViewEvents) {
    this.#stage = stage;
    this.#frame = frame;
    this.#screen = screen;
    this.#events = events;
    this.#listen();
    new ResizeObserver(() => this.move(this.viewport)).observe(stage);
  }

  /** The window, and the whole picture in it. */
  get room(): Room {
    const { clientWidth, clientHeight } = this.#stage;
    const { offsetWidth, offsetHeight } = this.#frame;
    return {
      window: { width: clientWidth, height: clientHeight },
      whole: { width: offsetWidth, height: offsetHeight },
    };
  }

  /** Zooms at a point, which is in CSS pixels from the window's middle. */
  zoom(factor: number, dx = 0, dy = 0): void {
    this.move(zoomAt(this.viewport, factor, dx, dy, this.room));
  }

  /** Moves by steps, to see what lies that way. */
  pan(right: number, down: number): void {
    this.move(panBy(this.viewport, -right * PAN_PX, -down * PAN_PX, this.room));
  }

  whole(): void {
    this.move(WHOLE);
  }

  /** Shows a pixel of the picture as a pixel of the screen. */
  oneToOne(): void {
    const zoom = this.#screen.size.width / devicePixelRatio / this.#frame.offsetWidth;
    this.move({ ...this.viewport, zoom });
  }

  move(viewport: Viewport): void {
    const { room } = this;
    if (room.whole.width === 0) return;
    this.viewport = clamp(viewport, room);
    const [left, top] = placeOf(this.viewport, 0.5, 0.5, room);
    const { zoom } = this.viewport;
    this.#frame.style.transform =
      zoom === 1 && left === 0 && top === 0 ? '' : `translate(${left}px, ${top}px) scale(${zoom})`;
    const pixelSize = (zoom * room.whole.width * devicePixelRatio) / this.#screen.size.width;
    const sharp = pixelSize >= 2 || Math.abs(pixelSize - 1) < 0.01;
    this.#screen.style({ imageRendering: sharp ? 'pixelated' : '' });
    this.#point();
    this.#events.changed();
  }

  setLook(look: Partial<Look>): void {
    Object.assign(this.look, look);
    const { brightness, contrast, invert, table } = this.look;
    const filters = [
      brightness !== 1 && `brightness(${brightness})`,
      contrast !== 1 && `contrast(${contrast})`,
      invert && 'invert(1)',
      table > 0 && `url(#table-${table})`,
    ];
    this.#screen.style({ filter: filters.filter(Boolean).join(' ') });
    this.#events.changed();
  }

  #listen(): void {
    const stage = this.#stage;
    const hands = this.#hands;
    const fromMiddle = (event: MouseEvent): [number, number] => {
      const { left, top, width, height } = stage.getBoundingClientRect();
      return [event.clientX - left - width / 2, event.clientY - top - height / 2];
    };
    stage.addEventListener(
      'wheel',
      event => {
        if (event.ctrlKey && event.deltaY === 0) return;
        event.preventDefault();
        if (event.shiftKey) this.#events.step(event.deltaY + event.deltaX > 0 ? 1 : -1);
        else this.zoom(Math.exp(-event.deltaY * WHEEL_ZOOM), ...fromMiddle(event));
      },
      { passive: false },
    );
    stage.addEventListener('pointerdown', event => {
      if (event.button !== 0) return;
      hands.set(event.pointerId, { x: event.clientX, y: event.clientY });
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener('pointermove', event => {
      this.#pointer = fromMiddle(event);
      const hand = hands.get(event.pointerId);
      if (!hand) {
        this.#point();
        return;
      }
      const [dx, dy] = [event.clientX - hand.x, event.clientY - hand.y];
      const other = [...hands.values()].find(value => value !== hand);
      if (other) {
        const spread = (x: number, y: number) => Math.hypot(x - other.x, y - other.y);
        const factor = spread(event.clientX, event.clientY) / (spread(hand.x, hand.y) || 1);
        this.zoom(factor, ...fromMiddle(event));
      }
      this.move(panBy(this.viewport, dx / hands.size, dy / hands.size, this.room));
      Object.assign(hand, { x: event.clientX, y: event.clientY });
    });
    for (const end of ['pointerup', 'pointercancel'] as const) {
      stage.addEventListener(end, event => hands.delete(event.pointerId));
    }
    stage.addEventListener('pointerleave', () => {
      this.#pointer = undefined;
      this.#point();
    });
  }

  /** Reports what is under the pointer: after it has moved, or the picture below it. */
  #point(): void {
    this.#events.pointed(this.#pointer && pointAt(this.viewport, ...this.#pointer, this.room));
  }
}
