import type { Status } from '../../messages.js';
import type { Session } from '../session.ts';
import { NONE } from '../text.ts';
import { keyTable } from './bindings.ts';
import { byId, setText } from './dom.ts';
import { duration, number } from './format.ts';
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
    for (const [name, text] of Object.entries(ROWS)) this.#set(name, status ? text(status) : NONE);
    this.#set('Not drawn here', `${painter.skipped} overtaken, ${painter.broken} unreadable`);
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

/** The text of each row of the panel. */
const ROWS: Record<string, (status: Status) => string> = {
  Source: ({ source }) => source.address,
  Picture: ({ source }) =>
    source.width === null ? NONE : `${source.width} × ${source.height}, ${source.format}`,
  'Rate in, out': ({ fps }) => `${number(fps.in, 1)}, ${number(fps.out, 1)} fps`,
  'Server latency': ({ latencyMs }) => `${number(latencyMs.p50, 1)} ms, p99 ${number(latencyMs.p99, 1)} ms`,
  Dropped: ({ dropped }) =>
    `${dropped.upstream} upstream, ${dropped.encoder} encoder, ${dropped.viewer} viewers`,
  Refused: ({ refused }) => {
    const reasons = Object.entries(refused).filter(([, count]) => count > 0);
    return reasons.map(([reason, count]) => `${count} ${reason}`).join(', ') || 'none';
  },
  Viewers: ({ viewers }) => `${viewers.now} of ${viewers.max}, ${viewers.mjpeg} by MJPEG`,
  Server: ({ version, node, uptimeSeconds }) =>
    `${version} on Node ${node.replace(/^v/, '')}, up ${duration(uptimeSeconds * 1000)}`,
};
