import type { LoopFrame } from '../../messages.js';
import { DecodedFrames } from './decoded-frames.ts';
import type { History } from './history.ts';
import { DEFAULT_PACE, type Direction, holdMs, nextPlace, type Pace, type Place } from './sequence.ts';

export const SPEEDS = [0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8];
export const DWELLS_MS = [0, 250, 500, 700, 1000, 1500, 2000, 3000, 5000, 10_000];
/** Numbers of frames, the newest ones; the last stands for all. */
export const COUNTS = [2, 5, 10, 20, 30, 50, 100, 200, 300, Number.POSITIVE_INFINITY];
/** A frame that appears this much after it was due was late. */
const LATE_MS = 50;

export interface LoopSettings extends Pace {
  /** This many of the newest frames. */
  count: number;
  /** Whether new frames join the loop; if not, it keeps those that it has. */
  follow: boolean;
}

export interface LoopEvents {
  /** The frame is to be on the screen now. */
  show(frame: LoopFrame, bitmap: ImageBitmap): void;
  changed(): void;
}

/** Plays the frames of the history. */
export class Loop {
  readonly settings: LoopSettings = { ...DEFAULT_PACE, count: Number.POSITIVE_INFINITY, follow: true };
  readonly leftOut = new Set<string>();
  active = false;
  playing = false;
  /** Frames that appeared later than they were due. */
  late = 0;
  /** The newest frames, as many as the loop has, loaded or not, left out or not. */
  window: readonly LoopFrame[] = [];
  /** Those of them that play: loaded and not left out. */
  playable: readonly LoopFrame[] = [];
  /** The frame of the moment, which may not be loaded yet. */
  current: LoopFrame | undefined;

  readonly #history: History;
  readonly #decoded: DecodedFrames;
  readonly #events: LoopEvents;
  #place: Place = { index: 0, heading: 1 };
  /** The frames that the loop keeps while it does not follow. */
  #kept: ReadonlySet<string> | undefined;
  #shownId: string | undefined;
  /** The frame that is looked at while a key is held. */
  #peeked: LoopFrame | undefined;
  #marked: LoopFrame | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = 0;

  constructor(history: History, events: LoopEvents) {
    this.#history = history;
    this.#events = events;
    this.#decoded = new DecodedFrames(id => history.jpeg(id));
  }

  /** Begins at the frame `id`, or at the newest. */
  enter(playing: boolean, id?: string): void {
    this.active = true;
    this.playing = playing;
    this.current = this.#history.frames.find(frame => frame.id === id) ?? this.#history.frames.at(-1);
    this.refresh();
  }

  leave(): void {
    this.active = false;
    this.playing = false;
    this.current = undefined;
    this.playable = [];
    this.#kept = undefined;
    this.#shownId = undefined;
    this.#stop();
    this.#decoded.want([]);
    this.refresh();
  }

  /** Takes in what the history has gained or lost, and changed settings. */
  refresh(): void {
    const before = this.window;
    this.window = this.#chooseWindow();
    if (this.active) {
      const candidates = this.window.filter(frame => this.#isIn(frame));
      const end = before.findLast(frame => this.#isIn(frame));
      const atEnd = this.current !== undefined && this.current.id === end?.id;
      if (this.settings.follow && !this.playing && atEnd) this.current = candidates.at(-1);
      else this.current = nearest(this.current, before, candidates);
      this.playable = candidates.filter(({ id }) => this.#history.jpeg(id));
      this.#history.load(this.#byDistance());
      this.#settle();
    }
    this.#events.changed();
  }

  /** Remembers the current frame, to compare others with. */
  mark(): void {
    this.#marked = this.current;
  }

  /** Shows the marked frame, or else the first, instead of the current one, until it is called with false. */
  peek(on: boolean): void {
    if (on === (this.#peeked !== undefined)) return;
    const marked = this.playable.find(({ id }) => id === this.#marked?.id);
    this.#peeked = on ? (marked ?? this.playable[0]) : undefined;
    this.#stop();
    this.#settle();
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  play(direction: Direction = this.settings.direction): void {
    this.settings.direction = direction;
    this.#place.heading = direction === 'backward' ? -1 : 1;
    this.playing = true;
    this.#settle();
    this.#events.changed();
  }

  pause(): void {
    this.playing = false;
    this.#stop();
    this.#settle();
    this.#events.changed();
  }

  /** Stops at a frame that lies this many further on, loaded or not. */
  step(by: number): void {
    const all = this.window.filter(frame => this.#isIn(frame));
    const index = all.findIndex(({ id }) => id === this.current?.id);
    this.goTo(all[(index + by + all.length) % all.length]);
  }

  first(): void {
    this.goTo(this.window.find(frame => this.#isIn(frame)));
  }

  last(): void {
    this.goTo(this.window.findLast(frame => this.#isIn(frame)));
  }

  goTo(frame: LoopFrame | undefined): void {
    this.playing = false;
    this.#stop();
    if (frame) this.current = frame;
    this.refresh();
  }

  faster(by: 1 | -1): void {
    this.settings.speed = neighbour(SPEEDS, this.settings.speed, by);
    this.refresh();
  }

  dwell(end: 'firstDwellMs' | 'lastDwellMs', by: 1 | -1): void {
    this.settings[end] = neighbour(DWELLS_MS, this.settings[end], by);
    this.refresh();
  }

  more(by: 1 | -1): void {
    // From all, the next fewer than there are.
    const count = Math.min(this.settings.count, this.#history.frames.length + 1);
    this.settings.count = neighbour(COUNTS, by > 0 ? this.settings.count : count, by);
    this.refresh();
  }

  /** Leaves a frame out of the loop or takes it back in; the last one stays. */
  toggleLeftOut(frame = this.current): void {
    if (!frame) return;
    if (!this.leftOut.delete(frame.id) && this.window.filter(other => this.#isIn(other)).length > 1) {
      this.leftOut.add(frame.id);
    }
    this.refresh();
  }

  bringBack(): void {
    this.leftOut.clear();
    this.refresh();
  }

  toggleFollow(): void {
    this.settings.follow = !this.settings.follow;
    this.#kept = this.settings.follow ? undefined : new Set(this.window.map(({ id }) => id));
    this.refresh();
  }

  #isIn({ id }: LoopFrame): boolean {
    return !this.leftOut.has(id);
  }

  #chooseWindow(): LoopFrame[] {
    const { frames } = this.#history;
    const kept = this.#kept;
    const chosen = kept ? frames.filter(({ id }) => kept.has(id)) : frames;
    return this.settings.count < chosen.length ? chosen.slice(-this.settings.count) : chosen;
  }

  /** The window, from the current frame outwards. */
  #byDistance(): LoopFrame[] {
    const middle = this.window.findIndex(({ id }) => id === this.current?.id);
    const distance = new Map(this.window.map(({ id }, index) => [id, Math.abs(index - middle)]));
    return this.window.toSorted((a, b) => distance.get(a.id)! - distance.get(b.id)!);
  }

  /** Brings the screen and the clock into line with what is current. */
  #settle(): void {
    const index = this.playable.findIndex(({ id }) => id === this.current?.id);
    if (index < 0) {
      this.#stop();
      return;
    }
    this.#place.index = index;
    this.#prepare();
    void this.#show(this.#peeked ?? this.current!);
    if (this.playing && !this.#peeked && this.#timer === undefined) this.#schedule(performance.now());
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(fromMs: number): void {
    this.#dueMs = fromMs + holdMs(this.#place.index, this.playable.length, this.settings);
    this.#timer = setTimeout(() => void this.#advance(), this.#dueMs - performance.now());
  }

  async #advance(): Promise<void> {
    const dueMs = this.#dueMs;
    this.#place = nextPlace(this.#place, this.playable.length, this.settings.direction);
    this.current = this.playable[this.#place.index]!;
    const timer = this.#timer;
    await this.#show(this.current);
    if (this.#timer !== timer) return;
    const lateMs = performance.now() - dueMs;
    if (lateMs > LATE_MS) this.late++;
    // From the moment that was due, so that the loop keeps its time; a late frame moves the rest.
    this.#schedule(lateMs > LATE_MS ? performance.now() : dueMs);
    this.#prepare();
    this.#events.changed();
  }

  async #show(frame: LoopFrame): Promise<void> {
    if (frame.id === this.#shownId) return;
    this.#shownId = frame.id;
    const bitmap = await this.#decoded.take(frame.id);
    if (bitmap && this.#shownId === frame.id) this.#events.show(frame, bitmap);
    else bitmap?.close();
  }

  /** Has the frames decoded that come next: those ahead while it plays, those around while it stands. */
  #prepare(): void {
    const { length } = this.playable;
    const capacity = Math.min(length, this.#decoded.capacity(this.current!));
    const needed = new Set([this.current!, ...(this.#peeked ? [this.#peeked] : [])]);
    let place = this.#place;
    for (let step = 1; needed.size < capacity && step <= 2 * length; step++) {
      if (this.playing) {
        place = nextPlace(place, length, this.settings.direction);
        needed.add(this.playable[place.index]!);
      } else {
        needed.add(this.playable[(this.#place.index + step) % length]!);
        needed.add(this.playable[(this.#place.index - step + 2 * length) % length]!);
      }
    }
    this.#decoded.want([...needed]);
  }
}

/** Returns the frame itself if it is among the candidates, or else the next one that is, or the one before. */
function nearest(
  frame: LoopFrame | undefined,
  before: readonly LoopFrame[],
  candidates: readonly LoopFrame[],
): LoopFrame | undefined {
  const byId = new Map(candidates.map(candidate => [candidate.id, candidate]));
  if (frame && byId.has(frame.id)) return byId.get(frame.id);
  const index = before.findIndex(({ id }) => id === frame?.id);
  if (index < 0) return candidates.at(-1);
  const around = [...before.slice(index), ...before.slice(0, index).reverse()];
  return byId.get(around.find(({ id }) => byId.has(id))?.id ?? '') ?? candidates.at(-1);
}

/** Returns the next larger or smaller of the values, or the last one. */
function neighbour(values: readonly number[], value: number, by: 1 | -1): number {
  const further = by > 0 ? values.find(other => other > value) : values.findLast(other => other < value);
  return further ?? (by > 0 ? values.at(-1)! : values[0]!);
}
