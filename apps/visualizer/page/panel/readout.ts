import type { Drawn } from '../live/painter.ts';
import type { View } from '../session.ts';
import { byId, setText } from './dom.ts';
import { clipTime, NONE, number } from './format.ts';

/** Shows the numbers in the bar. */
export class Readout {
  #fields = {
    fps: byId('fps'),
    latency: byId('latency'),
    frame: byId('frame-number'),
    position: byId('position'),
    viewers: byId('viewers'),
  };

  /** Shows which frame is on the screen. */
  showFrame(shown: Drawn | undefined): void {
    setText(this.#fields.frame, shown ? String(shown.seq) : NONE);
    setText(this.#fields.position, shown ? clipTime(shown.position) : NONE);
  }

  show({ shown, fps, latencyMs, status }: View): void {
    this.showFrame(shown);
    setText(this.#fields.fps, fps === undefined ? NONE : `${number(fps, 1)} fps`);
    setText(this.#fields.latency, latencyMs === undefined ? NONE : `${number(latencyMs)} ms`);
    setText(this.#fields.viewers, number(status?.viewers.now));
  }
}
