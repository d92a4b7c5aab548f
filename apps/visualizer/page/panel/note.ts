import { byId, setText } from './dom.ts';

const SHOWN_MS = 4000;

/** Shows a short message that goes by itself, and has screen readers read it. */
export class Note {
  readonly #field = byId('note');
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(text: string): void {
    setText(this.#field, text);
    this.#field.classList.add('shown');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#field.classList.remove('shown'), SHOWN_MS);
  }
}
