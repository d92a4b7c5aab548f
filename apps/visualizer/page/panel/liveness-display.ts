import type { State } from '../live/liveness.ts';
import type { Session } from '../session.ts';
import { LOOP_TEXT } from '../text.ts';
import { byId, setText } from './dom.ts';
import { duration, utcTime } from './format.ts';

/** States that pass in an instant: to have a screen reader read each of them would only be noise. */
const PASSING: ReadonlySet<State> = new Set(['connecting', 'resuming', 'hidden']);

/** Shows what may be claimed of the picture: a word in the bar, a card or a badge, the title, and text for screen readers. */
export class LivenessDisplay {
  #label = byId('state');
  #cardTitle = byId('card-title');
  #cardMessage = byId('card-message');
  #cardAge = byId('card-age');
  #badge = byId('badge');
  #voice = byId('voice');
  #spoken: State | undefined;

  show({ watch, shown, times }: Session, nowMs: number): void {
    const { state, label, message, picture } = watch.liveness;
    const { last } = watch;
    const root = document.documentElement;
    if (root.dataset['state'] !== state) {
      root.dataset['state'] = state;
      root.classList.toggle('blank', !picture);
      document.title = `${label} · noaa-pod`;
    }
    setText(this.#label, label);
    if (!PASSING.has(state) && state !== this.#spoken) {
      this.#spoken = state;
      setText(this.#voice, `${label}. ${message}`);
    }
    const age = last ? duration(Math.max(0, nowMs - last.drawnAt)) : undefined;
    if (!picture) {
      setText(this.#cardTitle, label);
      setText(this.#cardMessage, message);
      setText(this.#cardAge, age ? `Last picture ${age} ago` : '');
    } else if (state === 'loop') {
      setText(this.#badge, LOOP_TEXT.badge(times.full(shown)));
    } else if (state === 'delayed' || state === 'resuming') {
      setText(this.#badge, message);
    } else if (last && state !== 'live') {
      setText(this.#badge, `${label} at ${utcTime(last.drawnAt)} UTC · ${age} ago`);
    }
  }
}
