import { byId, setText } from './dom.ts';
import { duration, utcTime } from './format.ts';
import type { Drawn } from './picture.ts';
import type { Signal, State } from './signal.ts';

/** States that pass by themselves in an instant: to hear each of them read out would only be noise. */
const PASSING: ReadonlySet<State> = new Set(['connecting', 'resuming', 'hidden']);

/** Shows what the picture is: the word in the bar, the card in its place or the badge on it, the title, and by voice. */
export class Sign {
  #label = byId('state');
  #cardTitle = byId('card-title');
  #cardMessage = byId('card-message');
  #cardAge = byId('card-age');
  #badge = byId('badge');
  #voice = byId('voice');
  #spoken: State | undefined;

  show({ state, label, message, picture }: Signal, last: Drawn | undefined, nowMs: number): void {
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
    } else if (state === 'delayed') {
      setText(this.#badge, message);
    } else if (last && state !== 'live') {
      setText(this.#badge, `${label} at ${utcTime(last.drawnAt)} UTC · ${age} ago`);
    }
  }
}
