import { Timeline } from '../loop/timeline.ts';
import type { Session } from '../session.ts';
import { LOOP_TEXT } from '../text.ts';
import { byId, press, setText } from './dom.ts';

/** Shows the loop: the timeline, which frame it is at, and the settings. */
export class LoopPanel {
  readonly #session: Session;
  readonly #timeline: Timeline;
  readonly #slider = byId<HTMLCanvasElement>('timeline');
  readonly #fields = {
    from: byId('loop-from'),
    to: byId('loop-to'),
    place: byId('loop-place'),
    speed: byId('speed'),
    speedNow: byId('speed-now'),
    first: byId('first-dwell'),
    last: byId('last-dwell'),
    count: byId('frame-count'),
    left: byId('left-out'),
  };
  #due = false;

  constructor(session: Session) {
    this.#session = session;
    const { loop, history } = session;
    this.#timeline = new Timeline(this.#slider, loop, history, {
      goTo: frame => {
        session.goLoop(false, frame.id);
        loop.goTo(frame);
      },
      step: by => {
        session.goLoop(false);
        loop.step(by);
      },
      leaveOut: frame => {
        session.goLoop(false);
        loop.toggleLeftOut(frame);
      },
    });
  }

  /** Shows what has changed, at most once a frame of the screen. */
  show(): void {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#show();
    });
  }

  #show(): void {
    const { loop, history, times } = this.#session;
    const { settings, window, playable, current } = loop;
    const root = document.documentElement;
    root.classList.toggle('no-history', history.frames.length === 0);
    root.dataset['mode'] = loop.active ? 'loop' : 'live';
    press('live', !loop.active);
    press('loop', loop.active);
    for (const name of ['forward', 'backward', 'rock'] as const) press(name, settings.direction === name);
    press('follow', settings.follow);
    press('leaveOut', current !== undefined && loop.leftOut.has(current.id));

    const place = playable.findIndex(({ id }) => id === current?.id) + 1;
    const text = loop.active
      ? LOOP_TEXT.place(place, playable.length, window.length)
      : LOOP_TEXT.kept(window.length);
    setText(this.#fields.place, text);
    setText(this.#fields.from, times.short(window[0]));
    setText(this.#fields.to, times.short(window.at(-1)));
    const speed = LOOP_TEXT.speed(settings.speed);
    setText(this.#fields.speed, speed);
    setText(this.#fields.speedNow, speed);
    setText(this.#fields.first, LOOP_TEXT.dwell(settings.firstDwellMs));
    setText(this.#fields.last, LOOP_TEXT.dwell(settings.lastDwellMs));
    setText(this.#fields.count, LOOP_TEXT.count(settings.count, history.frames.length));
    setText(this.#fields.left, String(loop.leftOut.size));
    const slider = this.#slider;
    slider.ariaValueMax = String(Math.max(1, playable.length));
    slider.ariaValueNow = String(Math.max(1, place));
    slider.ariaValueText = `${text} ${times.short(current)}`;
    this.#timeline.draw();
  }
}
