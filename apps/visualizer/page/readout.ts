import { byId, setText } from './dom.ts';
import { clipTime, duration, NONE, number } from './format.ts';
import type { Status } from './messages.ts';
import { LatencyMeter, RateMeter } from './meters.ts';
import type { Drawn } from './picture.ts';

/** The numbers: those of the picture change with it, the others a few times a second so that they can be read. */
export class Readout {
  #rate = new RateMeter();
  #latency = new LatencyMeter();
  #fields = {
    fps: byId('fps'),
    latency: byId('latency'),
    frame: byId('frame-number'),
    position: byId('position'),
    viewers: byId('viewers'),
  };

  /** How old the picture has to be taken to be; 0 while the server's time is not known. */
  get latencyMs(): number {
    return this.#latency.cautiousMs ?? 0;
  }

  /**
   * @param nowMs of a clock that nobody sets, as `refresh` has it
   * @param lateMs how late the picture is, if that is known
   */
  drawn(drawn: Drawn, nowMs: number, lateMs: number | undefined): void {
    this.#rate.tick(nowMs);
    if (lateMs !== undefined) this.#latency.add(lateMs);
    this.#showPlace(drawn);
  }

  /**
   * @param status the newest, or undefined while there is no connection to have one from
   * @param shown the picture that is to be seen, if there is one: numbers of any other would mislead
   */
  refresh(status: Status | undefined, shown: Drawn | undefined, nowMs: number): void {
    const rate = shown && this.#rate.perSecond(nowMs);
    this.#showPlace(shown);
    const latency = rate === undefined ? undefined : this.#latency.medianMs;
    setText(this.#fields.fps, rate === undefined ? NONE : `${number(rate, 1)} fps`);
    setText(this.#fields.latency, latency === undefined ? NONE : `${number(latency)} ms`);
    setText(this.#fields.viewers, number(status?.viewers.now));
  }

  #showPlace(shown: Drawn | undefined): void {
    setText(this.#fields.frame, shown ? String(shown.seq) : NONE);
    setText(this.#fields.position, shown ? clipTime(shown.position) : NONE);
  }

  /** For a new connection. */
  reset(): void {
    this.#rate.reset();
    this.#latency.reset();
  }
}

/** The panel of details, written only while it is open. */
export class Details {
  #panel = byId('details');
  #fields = byId('details-list');

  get open(): boolean {
    return this.#panel.matches(':popover-open');
  }

  refresh(status: Status | undefined, page: { skipped: number; broken: number }): void {
    if (!this.open) return;
    for (const [name, tell] of Object.entries(ROWS)) this.#set(name, status ? tell(status) : NONE);
    this.#set('Not drawn here', `${page.skipped} overtaken, ${page.broken} unreadable`);
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

/** What the panel says of a status, by the name of the row. */
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
