import type { Status } from '../messages.js';
import { type Facts, FIRST_LIVENESS, judge, type Link, type Liveness } from './live/liveness.ts';
import { LatencyMeter, lateness, RateMeter } from './live/meters.ts';
import { type Drawn, Painter } from './live/painter.ts';
import { ServerClock } from './live/server-clock.ts';
import { Stream } from './live/stream.ts';

const REFRESH_MS = 200;
/** Two clocks may drift apart by some 15 ms in this time. */
const SET_CLOCK_MS = 5 * 60_000;

/** What the displays read. */
export interface View {
  liveness: Liveness;
  paused: boolean;
  /** The last picture that was drawn, visible or not. */
  last: Drawn | undefined;
  /** The picture that may be seen now. */
  shown: Drawn | undefined;
  /** The newest status, or undefined if it no longer says what is so now. */
  status: Status | undefined;
  /** Pictures drawn a second, if known. */
  fps: number | undefined;
  latencyMs: number | undefined;
  /** Frames that were not drawn: replaced by a newer one, or not decodable. */
  skipped: number;
  broken: number;
}

export interface Display {
  /** A picture was drawn. */
  drawn(view: View): void;
  /** The state may have changed: called for every event, so keep it cheap. */
  changed(view: View): void;
  /** The numbers are due: a few times a second, and when the state has changed. */
  numbers(view: View): void;
}

/** The page's whole state. The stream and the painter report to it; the displays show what it says. */
export class Session {
  readonly #display: Display;
  readonly #clock = new ServerClock();
  readonly #rate = new RateMeter();
  readonly #latency = new LatencyMeter();
  readonly #painter: Painter;
  readonly #stream: Stream;
  #link: Link = 'closed';
  #status: Status | undefined;
  #paused: Facts['paused'] = 'no';
  #last: Drawn | undefined;
  /** Whether the last picture came by this connection, after it was last not live. */
  #drawn = false;
  /** Since when the server has had a newer frame than the last picture. */
  #unseenSince: number | undefined;
  #liveness = FIRST_LIVENESS;

  constructor(canvas: HTMLCanvasElement, display: Display) {
    this.#display = display;
    this.#painter = new Painter(canvas, drawn => this.#onDrawn(drawn));
    this.#stream = new Stream('stream', {
      frame: data => this.#painter.offer(data),
      status: status => this.#onStatus(status),
      link: link => this.#onLink(link),
    });
  }

  /** Starts to watch, for as long as the page lives. */
  start(): void {
    document.addEventListener('visibilitychange', () => this.#follow());
    setInterval(() => {
      if (!document.hidden) this.#refresh();
    }, REFRESH_MS);
    setInterval(() => {
      if (this.#link === 'open') void this.#clock.set();
    }, SET_CLOCK_MS);
    this.#follow();
  }

  togglePause(): void {
    if (this.#paused === 'yes') this.#paused = 'ending';
    else if (this.#liveness.picture) this.#paused = 'yes';
    else return;
    this.#follow();
  }

  get view(): View {
    const shown = this.#liveness.picture ? this.#last : undefined;
    const fps = shown && this.#rate.perSecond(performance.now());
    return {
      liveness: this.#liveness,
      paused: this.#paused === 'yes',
      last: this.#last,
      shown,
      // A silent link keeps its status to continue with, but that is no longer what is so now.
      status: this.#link === 'open' || this.#link === 'full' ? this.#status : undefined,
      fps,
      latencyMs: fps === undefined ? undefined : this.#latency.medianMs,
      skipped: this.#painter.skipped,
      broken: this.#painter.broken,
    };
  }

  /** Keeps the stream only while somebody watches: a browser has six connections for all tabs of a host. */
  #follow(): void {
    if (document.hidden || this.#paused === 'yes') {
      this.#stream.close();
      this.#rate.reset();
      this.#latency.reset();
    } else {
      this.#stream.open();
    }
    this.#refresh();
  }

  #onLink(next: Link): void {
    // Asked before frames fill the line; and again after an absence, in which a browser's clock may have slept.
    if (next === 'connecting' || (next === 'open' && this.#link !== 'connecting')) void this.#clock.set();
    this.#link = next;
    if (next !== 'open') this.#forget();
    if (next === 'connecting' || next === 'lost' || next === 'closed') this.#status = undefined;
    this.#unseenSince = undefined;
    this.#update();
  }

  #onStatus(next: Status): void {
    this.#status = next;
    void this.#clock.check(next.time);
    const { width, height, sequence } = next.source;
    if (width && height) reserveShape(width, height);
    if (next.state !== 'live') this.#forget();
    if (next.state !== 'live' || sequence === null || sequence === this.#last?.seq) {
      this.#unseenSince = undefined;
    } else {
      this.#unseenSince ??= performance.now();
    }
    this.#update();
  }

  /** Treats what is drawn or being decoded as past: only a later frame may pass as live. */
  #forget(): void {
    this.#drawn = false;
    this.#painter.hold();
  }

  #onDrawn(next: Drawn): void {
    this.#last = next;
    this.#drawn = true;
    this.#unseenSince = undefined;
    this.#paused = 'no';
    reserveShape(next.width, next.height);
    const [nowMs, serverNow] = [performance.now(), this.#clock.now()];
    this.#rate.tick(nowMs);
    if (serverNow !== undefined) {
      this.#latency.add(lateness(serverNow - next.publishedAt, nowMs - this.#stream.askedMs));
    }
    this.#display.drawn(this.view);
    if (this.#liveness.state !== 'live') this.#update();
  }

  #refresh(): void {
    this.#update();
    this.#display.numbers(this.view);
  }

  #update(): void {
    const before = this.#liveness.state;
    this.#liveness = judge({
      hidden: document.hidden,
      paused: this.#paused,
      link: this.#link,
      status: this.#status,
      drawn: this.#drawn,
      unseenForMs: this.#unseenSince === undefined ? 0 : performance.now() - this.#unseenSince,
      latencyMs: this.#latency.cautiousMs ?? 0,
      before,
    });
    const { state } = this.#liveness;
    // Any state between the wish to resume and the next picture ends the pause as well.
    if (this.#paused === 'ending' && state !== 'resuming') this.#paused = 'no';
    this.#display.changed(this.view);
    if (state !== before) this.#display.numbers(this.view);
  }
}

/** Lays out the picture's place in its proportions before the picture is there. */
function reserveShape(width: number, height: number): void {
  const { style } = document.documentElement;
  const ratio = String(width / height);
  if (style.getPropertyValue('--ratio') !== ratio) style.setProperty('--ratio', ratio);
}
