import type { Session } from '../session.ts';
import { TABLE_NAMES } from '../text.ts';
import { byId, press, setText } from './dom.ts';

/** Shows how the picture is looked at, and takes its brightness and contrast. */
export class ViewPanel {
  readonly #session: Session;
  readonly #brightness = byId<HTMLInputElement>('brightness');
  readonly #contrast = byId<HTMLInputElement>('contrast');

  constructor(session: Session) {
    this.#session = session;
    for (const name of ['brightness', 'contrast'] as const) {
      const input = byId<HTMLInputElement>(name);
      input.addEventListener('input', () => session.view.setLook({ [name]: Number(input.value) }));
    }
  }

  show(): void {
    const { look, viewport } = this.#session.view;
    this.#brightness.value = String(look.brightness);
    this.#contrast.value = String(look.contrast);
    press('invert', look.invert);
    press('table', look.table > 0);
    press('overlay', look.map);
    setText(byId('table-name'), TABLE_NAMES[look.table] ?? '');
    setText(byId('zoom'), `${Math.round(viewport.zoom * 100)} %`);
  }
}
