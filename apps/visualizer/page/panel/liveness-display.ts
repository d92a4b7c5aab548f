import type { State } from '../live/liveness.ts';
import type { Session } from '../session.ts';
import { AGE_TEXT, LOOP_TEXT } from '../text.ts';
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
  #spoken: string | undefined;

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
    const spoken = `${state} ${watch.polling}`;
    if (!PASSING.has(state) && spoken !== this.#spoken) {
      this.#spoken = spoken;
      setText(this.#voice, `${label}. ${message}`);
    }
    const age = last ? duration(Math.max(0, nowMs - last.drawnAt)) : undefined;
    root.classList.toggle('polling', watch.polling && picture);
    if (!picture) {
      setText(this.#cardTitle, label);
      setText(this.#cardMessage, message);
      setText(this.#cardAge, age ? AGE_TEXT.card(age) : '');
    } else if (state === 'loop') {
      setText(this.#badge, LOOP_TEXT.badge(times.full(shown)));
    } else if (state === 'delayed' || state === 'resuming' || (state === 'live' && watch.polling)) {
      setText(this.#badge, message);
    } else if (last && state !== 'live') {
      setText(this.#badge, AGE_TEXT.badge(label, utcTime(last.drawnAt), age ?? ''));
    }
  }
}
