import type { LoopFrame, PictureFacts } from '../messages.js';
import { Minute } from './live/minute.ts';
import { reserveShape, Watch } from './live/watch.ts';
import { History } from './loop/history.ts';
import { Loop } from './loop/loop.ts';
import { Times } from './times.ts';
import type { Screen } from './view/screen.ts';
import type { View } from './view/view.ts';

const REFRESH_MS = 200;

/** The picture on the screen, live or of the loop. */
export interface Shown extends Pick<PictureFacts, 'seq' | 'width' | 'height' | 'position' | 'validAt'> {
  /** Returns the JPEG as the server made it. */
  jpeg: () => Blob;
  /** When playback published it; only of a live picture. */
  publishedAt?: number;
}

export interface Display {
  /** Another picture is on the screen. */
  drawn(shown: Shown): void;
  /** Something may have changed: called for every event, so keep it cheap. */
  changed(): void;
  /** The numbers are due: a few times a second, and when the state has changed. */
  numbers(): void;
}

/** The page's whole state: the live picture, the history and its loop. The displays show what it says. */
export class Session {
  readonly watch: Watch;
  readonly history: History;
  readonly loop: Loop;
  readonly times = new Times();
  readonly view: View;
  /** What this page has measured. */
  readonly minute = new Minute();
  readonly #display: Display;
  #state: string = '';
  #looped: Shown | undefined;

  constructor(screen: Screen, view: View, display: Display) {
    this.#display = display;
    this.view = view;
    this.watch = new Watch(screen, {
      drawn: drawn => {
        this.#looped = undefined;
        display.drawn(drawn);
      },
      changed: () => this.#changed(),
      loop: change => this.history.change(change),
      opened: () => void this.history.list(),
    });
    this.history = new History(() => {
      this.loop.refresh();
      // An emptied history may mean a stricter mask: what is on the screen must not stay either.
      if (this.loop.active && this.history.frames.length === 0) this.goLive(false);
      this.#loadAhead();
    });
    this.loop = new Loop(this.history, {
      show: (frame, bitmap) => {
        screen.show(bitmap);
        this.#onLoopFrame(frame);
      },
      changed: () => this.#changed(),
    });
  }

  /** Starts to watch, for as long as the page lives. */
  start(): void {
    document.addEventListener('visibilitychange', () => {
      this.watch.follow();
      this.#loadAhead();
    });
    setInterval(() => {
      if (document.hidden) return;
      this.watch.update();
      const { fps, latencyMs } = this.watch;
      this.minute.add({ fps, latencyMs }, performance.now());
      this.#display.numbers();
    }, REFRESH_MS);
    this.watch.follow();
  }

  /** The picture that may be seen now. */
  get shown(): Shown | undefined {
    return this.watch.liveness.picture ? (this.#looped ?? this.watch.last) : undefined;
  }

  goLive(keep = true): void {
    if (this.loop.active) this.loop.leave();
    if (this.watch.held !== 'no') this.watch.hold('no', keep);
  }

  /** Shows the history, from the frame `id` or from the newest. */
  goLoop(playing: boolean, id?: string): void {
    if (this.loop.active) return;
    if (this.history.frames.length === 0) {
      // The list may be on its way.
      void this.history.list().then(() => this.history.frames.length > 0 && this.goLoop(playing, id));
      return;
    }
    this.watch.hold('loop');
    this.loop.enter(playing, id);
  }

  /** Plays or pauses whatever is shown. */
  togglePlay(): void {
    if (this.loop.active) this.loop.toggle();
    else if (this.watch.held === 'paused') this.watch.hold('no');
    else if (this.watch.liveness.picture) this.watch.hold('paused');
  }

  toggleZone(): void {
    this.times.local = !this.times.local;
    this.#display.numbers();
    this.#display.changed();
  }

  /**
   * Loads the history while the live picture is watched, the newest first, so that a loop needs no network from its first round
   * on. The server's LOOP_MB bounds it.
   */
  #loadAhead(): void {
    if (this.loop.active) return;
    const { connection } = navigator as { connection?: { saveData?: boolean } };
    const wanted = !document.hidden && !connection?.saveData;
    this.history.load(wanted ? this.history.frames.toReversed() : []);
  }

  #onLoopFrame(frame: LoopFrame): void {
    const jpeg = this.history.jpeg(frame.id);
    if (!jpeg) return;
    this.#looped = { ...frame, jpeg: () => jpeg };
    reserveShape(frame.width, frame.height);
    this.#display.drawn(this.#looped);
    // The badge has the time of what is seen, from the same moment on.
    this.#display.changed();
  }

  #changed(): void {
    this.#display.changed();
    const { state } = this.watch.liveness;
    if (state !== this.#state) this.#display.numbers();
    this.#state = state;
  }
}
