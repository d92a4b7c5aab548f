import type { Session, Shown } from '../session.ts';
import { byId, setText } from './dom.ts';
import { clipTime, NONE, number } from './format.ts';

/** Shows the numbers in the bar. */
export class Readout {
  #fields = {
    valid: byId('valid'),
    fps: byId('fps'),
    latency: byId('latency'),
    frame: byId('frame-number'),
    position: byId('position'),
    viewers: byId('viewers'),
  };

  /** Shows which frame is on the screen. */
  showFrame({ times }: Session, shown: Shown | undefined): void {
    const timed = typeof shown?.validAt === 'number';
    // Kept for as long as nothing is shown, so that nothing moves.
    if (shown) document.documentElement.classList.toggle('untimed', !timed);
    setText(this.#fields.valid, timed ? times.full(shown) : NONE);
    setText(this.#fields.frame, shown ? String(shown.seq) : NONE);
    setText(this.#fields.position, shown ? clipTime(shown.position) : NONE);
  }

  show(session: Session): void {
    const { shown, watch, loop } = session;
    this.showFrame(session, shown);
    const fps = shown && !loop.active ? watch.fps : undefined;
    const latencyMs = fps === undefined ? undefined : watch.latencyMs;
    setText(this.#fields.fps, fps === undefined ? NONE : `${number(fps, 1)} fps`);
    setText(this.#fields.latency, latencyMs === undefined ? NONE : `${number(latencyMs)} ms`);
    setText(this.#fields.viewers, number(watch.status?.viewers.now));
  }
}
