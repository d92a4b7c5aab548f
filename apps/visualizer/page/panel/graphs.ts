import type { Second } from '../live/minute.ts';
import { GRAPH_TEXT } from '../text.ts';
import { byId } from './dom.ts';

const SECONDS = 60;

/** Draws the last minute's rate and latency, from zero; where nothing was measured there is nothing. */
export class Graphs {
  readonly #fps = byId<HTMLCanvasElement>('fps-graph');
  readonly #latency = byId<HTMLCanvasElement>('latency-graph');

  show(seconds: readonly Second[]): void {
    draw(
      this.#fps,
      seconds.map(({ fps }) => fps),
      GRAPH_TEXT.fps,
    );
    draw(
      this.#latency,
      seconds.map(({ latencyMs }) => latencyMs),
      GRAPH_TEXT.latency,
    );
  }
}

function draw(
  canvas: HTMLCanvasElement,
  values: (number | undefined)[],
  say: (most: string) => string,
): void {
  const known = values.filter(value => value !== undefined);
  const most = Math.max(1, ...known);
  canvas.ariaLabel = say(known.length > 0 ? most.toFixed(most < 10 ? 1 : 0) : '–');
  const { clientWidth, clientHeight } = canvas;
  canvas.width = clientWidth * devicePixelRatio;
  canvas.height = clientHeight * devicePixelRatio;
  const context = canvas.getContext('2d')!;
  context.scale(devicePixelRatio, devicePixelRatio);
  const style = getComputedStyle(canvas);
  context.fillStyle = style.getPropertyValue('--accent');
  const step = clientWidth / SECONDS;
  for (const [i, value] of values.entries()) {
    if (value === undefined) continue;
    const height = Math.max(1, (value / most) * (clientHeight - 16));
    context.fillRect((SECONDS - values.length + i) * step, clientHeight - height, step - 1, height);
  }
  context.fillStyle = style.color;
  context.font = '12px system-ui, sans-serif';
  context.fillText(canvas.ariaLabel, 0, 11);
}
