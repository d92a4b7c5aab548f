import type { LoopChange, Status } from '../../messages.js';
import type { Screen } from '../view/screen.ts';
import { type Facts, FIRST_LIVENESS, judge, type Link } from './liveness.ts';
import { LatencyMeter, lateness, RateMeter } from './meters.ts';
import { type Drawn, Painter } from './painter.ts';
import { ServerClock } from './server-clock.ts';
import { Stream } from './stream.ts';

/** Two clocks may drift apart by some 15 ms in this time. */
const SET_CLOCK_MS = 5 * 60_000;

export interface WatchEvents {
  drawn(drawn: Drawn): void;
  /** The state may have changed: called for every event. */
  changed(): void;
  loop(change: LoopChange): void;
  /** A connection has brought its first event. */
  opened(): void;
}

/** Watches the live picture: what the connection, the server and the screen say, and what may be claimed of it. */
export class Watch {
  /** The last picture that was drawn. */
  last: Drawn | undefined;
  liveness = FIRST_LIVENESS;
  readonly painter: Painter;

  readonly #events: WatchEvents;
  readonly #clock = new ServerClock();
  readonly #rate = new RateMeter();
  readonly #latency = new LatencyMeter();
  readonly #stream: Stream;
  #held: Facts['held'] = 'no';
  #link: Link = 'closed';
  #status: Status | undefined;
  /** Whether the last picture came by this connection, after it was last not live. */
  #drawn = false;
  /** Since when the server has had a newer frame than the last picture. */
  #unseenSince: number | undefined;

  constructor(screen: Screen, events: WatchEvents) {
    this.#events = events;
    this.painter = new Painter(screen, drawn => this.#onDrawn(drawn));
    this.#stream = new Stream({
      frame: next => {
        if (this.#held !== 'loop') this.painter.offer(next);
      },
      status: status => this.#onStatus(status),
      loop: change => events.loop(change),
      link: link => this.#onLink(link),
    });
    addEventListener('pagehide', () => this.#stream.close());
    addEventListener('pageshow', ({ persisted }) => persisted && this.follow());
    setInterval(() => {
      if (this.#link === 'open') void this.#clock.set();
    }, SET_CLOCK_MS);
  }

  get polling(): boolean {
    return this.#stream.polling;
  }

  get held(): Facts['held'] {
    return this.#held;
  }

  /**
   * Goes on with the live picture, holds it, or leaves the screen to a loop.
   *
   * @param keep whether what is on the screen may stay until there is a live picture
   */
  hold(held: Exclude<Facts['held'], 'ending'>, keep = true): void {
    if (held === 'no' && this.#held !== 'no' && keep) this.#held = 'ending';
    else this.#held = held;
    this.follow();
  }

  /** The newest status, or undefined if it no longer says what is so now. */
  get status(): Status | undefined {
    return this.#link === 'open' || this.#link === 'full' ? this.#status : undefined;
  }

  /** Pictures drawn a second, if known. */
  get fps(): number | undefined {
    return this.#rate.perSecond(performance.now());
  }

  get latencyMs(): number | undefined {
    return this.fps === undefined ? undefined : this.#latency.medianMs;
  }

  /** Keeps the stream only while somebody watches: a browser has six connections for all tabs of a host. */
  follow(): void {
    if (document.hidden || this.#held === 'paused') this.#stream.close();
    else this.#stream.open(this.#held !== 'loop');
    if (document.hidden || this.#held === 'paused' || this.#held === 'loop') {
      this.#rate.reset();
      this.#latency.reset();
    }
    this.update();
  }

  /** Judges anew: cheap enough for every event. */
  update(): void {
    this.liveness = judge({
      hidden: document.hidden,
      held: this.#held,
      polling: this.#stream.polling,
      link: this.#link,
      status: this.#status,
      drawn: this.#drawn,
      unseenForMs: this.#unseenSince === undefined ? 0 : performance.now() - this.#unseenSince,
      latencyMs: this.#latency.cautiousMs ?? 0,
      before: this.liveness.state,
    });
    // Any state between the wish to resume and the next picture ends the hold as well.
    if (this.#held === 'ending' && this.liveness.state !== 'resuming') this.#held = 'no';
    this.#events.changed();
  }

  #onLink(next: Link): void {
    const before = this.#link;
    // Asked before frames fill the line; and again after an absence, in which a browser's clock may have slept.
    if (next === 'connecting' || (next === 'open' && before !== 'connecting')) void this.#clock.set();
    this.#link = next;
    if (next !== 'open') this.#forget();
    if (next === 'connecting' || next === 'lost' || next === 'closed') this.#status = undefined;
    this.#unseenSince = undefined;
    if (next === 'open') this.#events.opened();
    this.update();
  }

  #onStatus(next: Status): void {
    this.#status = next;
    void this.#clock.check(next.time);
    const { width, height, pictureSequence } = next.source;
    if (width && height && this.#held !== 'loop') reserveShape(width, height);
    if (next.state !== 'live') this.#forget();
    if (next.state !== 'live' || pictureSequence === null || pictureSequence === this.last?.seq)
      this.#unseenSince = undefined;
    else this.#unseenSince ??= performance.now();
    this.update();
  }

  /** Treats what is drawn or being decoded as past: only a later frame may pass as live. */
  #forget(): void {
    this.#drawn = false;
    this.painter.hold();
  }

  #onDrawn(next: Drawn): void {
    this.last = next;
    this.#drawn = true;
    this.#unseenSince = undefined;
    this.#held = 'no';
    reserveShape(next.width, next.height);
    const [nowMs, serverNow] = [performance.now(), this.#clock.now()];
    this.#rate.tick(nowMs);
    if (serverNow !== undefined) {
      this.#latency.add(lateness(serverNow - next.publishedAt, nowMs - this.#stream.askedMs));
    }
    this.#events.drawn(next);
    if (this.liveness.state !== 'live') this.update();
  }
}

/** Lays out the picture's place in its proportions before the picture is there. */
export function reserveShape(width: number, height: number): void {
  const { style } = document.documentElement;
  const ratio = String(width / height);
  if (style.getPropertyValue('--ratio') !== ratio) style.setProperty('--ratio', ratio);
}
