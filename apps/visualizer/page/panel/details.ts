import type { Session } from '../session.ts';
import { DETAILS, NOT_DRAWN } from '../text.ts';
import { keyTable } from './bindings.ts';
import { byId, setText } from './dom.ts';
import { NONE } from './format.ts';
import { Graphs } from './graphs.ts';

/** Fills in the panel of details, only while it is open. */
export class Details {
  #panel = byId('details');
  #fields = byId('details-list');
  #graphs = new Graphs();

  constructor() {
    const rows = keyTable().map(({ label, keys }) => {
      const [row, term, field] = ['div', 'dt', 'dd'].map(tag => document.createElement(tag)) as [
        HTMLElement,
        HTMLElement,
        HTMLElement,
      ];
      term.textContent = label;
      for (const key of keys) {
        const cap = document.createElement('kbd');
        cap.textContent = key;
        field.append(cap, ' ');
      }
      row.append(term, field);
      return row;
    });
    byId('keys').append(...rows);
  }

  show({ watch, minute }: Session): void {
    if (!this.#panel.matches(':popover-open')) return;
    this.#graphs.show(minute.seconds);
    const { status, painter } = watch;
    for (const [name, text] of Object.entries(DETAILS)) this.#set(name, status ? text(status) : NONE);
    this.#set(...NOT_DRAWN(painter));
  }

  #set(name: string, value: string): void {
    const id = `detail-${name.toLowerCase().replaceAll(' ', '-')}`;
    let field = document.getElementById(id);
    if (!field) {
      const term = document.createElement('dt');
      term.textContent = name;
      field = document.createElement('dd');
      field.id = id;
      const row = document.createElement('div');
      row.append(term, field);
      this.#fields.append(row);
    }
    setText(field, value);
  }
}
