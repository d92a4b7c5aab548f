import type { LoopFrame } from '../../messages.js';
import type { History } from './history.ts';
import type { Loop } from './loop.ts';

export interface TimelineEvents {
  goTo(frame: LoopFrame): void;
  step(by: 1 | -1): void;
  leaveOut(frame: LoopFrame): void;
}

/** Draws a box for each frame. A click or a drag goes to a frame, a click with a modifier leaves it out, the wheel steps. */
export class Timeline {
  readonly #canvas: HTMLCanvasElement;
  readonly #loop: Loop;
  readonly #history: History;
  #drawn = '';

  constructor(canvas: HTMLCanvasElement, loop: Loop, history: History, events: TimelineEvents) {
    this.#canvas = canvas;
    this.#loop = loop;
    this.#history = history;
    let scrubbing = false;
    const frameAt = ({ offsetX }: MouseEvent) => {
      const { window } = loop;
      const index = Math.floor((offsetX / canvas.clientWidth) * window.length);
      return window[Math.min(Math.max(index, 0), window.length - 1)];
    };
    const goTo = (event: PointerEvent) => {
      const frame = frameAt(event);
      if (frame && frame.id !== loop.current?.id) events.goTo(frame);
    };
    canvas.addEventListener('pointerdown', event => {
      if (event.button !== 0) return;
      const frame = frameAt(event);
      if (event.ctrlKey || event.shiftKey || event.metaKey || event.altKey) {
        if (frame) events.leaveOut(frame);
        return;
      }
      scrubbing = true;
      canvas.setPointerCapture(event.pointerId);
      goTo(event);
    });
    canvas.addEventListener('pointermove', event => scrubbing && goTo(event));
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => (scrubbing = false));
    canvas.addEventListener(
      'wheel',
      event => {
        event.preventDefault();
        events.step(event.deltaY + event.deltaX > 0 ? 1 : -1);
      },
      { passive: false },
    );
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Draws the boxes; cheap while nothing has changed. */
  draw(): void {
    const canvas = this.#canvas;
    const { window, leftOut, current } = this.#loop;
    const scale = devicePixelRatio;
    const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
    const look = window
      .map(({ id }) => (leftOut.has(id) ? 'x' : this.#history.jpeg(id) ? 'o' : '.'))
      .join('');
    const at = window.findIndex(({ id }) => id === current?.id);
    const style = getComputedStyle(canvas);
    const key = `${width} ${height} ${at} ${style.color} ${look}`;
    if (key === this.#drawn || width === 0) return;
    this.#drawn = key;
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d')!;
    const step = width / look.length;
    const gap = step > 5 * scale ? scale : 0;
    const box = (index: number, top: number, extra = 0) => {
      const x = Math.round(index * step);
      const right = Math.round((index + 1) * step) - gap;
      context.fillRect(x - extra, top, Math.max(right - x, scale) + 2 * extra, height - 2 * top);
    };
    const middle = Math.round(height * 0.3);
    for (let index = 0; index < look.length; index++) {
      // Shape and shade: left out is a thin line, not loaded a faint box.
      context.globalAlpha = look[index] === 'o' ? 0.55 : 0.22;
      context.fillStyle = style.color;
      box(index, look[index] === 'x' ? Math.round(height * 0.47) : middle);
    }
    context.globalAlpha = 1;
    if (at < 0) return;
    context.fillStyle = style.getPropertyValue('--accent');
    box(at, 0, gap === 0 ? scale : 0);
  }
}
