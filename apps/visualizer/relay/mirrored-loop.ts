import type { History } from '../feed.ts';
import type { LoopLimits } from '../loop.ts';
import type { LoopChange, LoopFrame, LoopList, LoopSize } from '../messages.ts';
import type { Picture } from '../picture.ts';

/** Pictures asked for from the origin at once, for viewers and for the history: each may be as long as a picture can be. */
const AT_ONCE = 2;
/** An origin that lacks this many of those that it lists is asked for no more, until it lists them anew. */
const MOST_MISSING = 64;
/** Requests of viewers that may wait for the origin; one more is told that the picture is not there. */
const MOST_WAITING = 64;

/**
 * The origin's history under the origin's own ids, so that a picture has one address at every relay. It lists no more pictures
 * than it may hold, the newest. It holds them within its own limits and asks the origin for others when a viewer wants them.
 */
export class MirroredLoop implements History {
  readonly #limits: LoopLimits;
  readonly #changed: (change: LoopChange) => void;
  readonly #ask: (id: string) => Promise<Picture | undefined>;
  #list: LoopList;
  /** Whether the origin lists older pictures that are not listed here. */
  #isPart = false;
  readonly #held = new Map<string, Picture>();
  #bytes = 0;
  /** The newest picture, which comes before or after word that it is in the history. */
  #newest: Picture | undefined;
  readonly #asked = new Map<string, Promise<Picture | undefined>>();
  #asking = 0;
  /** Those that wait for their turn. */
  readonly #turns: (() => void)[] = [];
  /** Those that are asked for to be held. */
  readonly #filling = new Set<string>();
  /** Listed pictures that the origin did not have when they were asked for. */
  readonly #missing = new Set<string>();

  /** @param ask returns a picture of the history from the origin, undefined if it has it no longer */
  constructor(
    limits: LoopLimits,
    changed: (change: LoopChange) => void,
    ask: (id: string) => Promise<Picture | undefined>,
  ) {
    this.#limits = limits;
    this.#changed = changed;
    this.#ask = ask;
    this.#list = { frames: [], bytes: 0, ...limits, revision: 0 };
  }

  get enabled(): boolean {
    return this.#limits.maxBytes > 0 && this.#limits.maxFrames > 0;
  }

  recall(): undefined {
    return undefined;
  }

  add(picture: Picture): void {
    this.#newest = picture;
    const last = this.#list.frames.findLast(({ seq }) => seq === picture.facts.seq);
    if (last) this.#hold(last, picture);
  }

  get size(): LoopSize {
    return { pictures: this.#held.size, bytes: this.#bytes, ...this.#limits };
  }

  list(): LoopList {
    return this.#list;
  }

  picture(id: string): Picture | Promise<Picture | undefined> | undefined {
    const held = this.#held.get(id);
    if (held || !this.#list.frames.some(frame => frame.id === id)) return held;
    return this.#fetch(id);
  }

  /** Takes the origin's listing. */
  replace(list: LoopList): void {
    if (!this.enabled) return;
    const { revision } = this.#list;
    this.#isPart = false;
    this.#listNewest(list, [...list.frames]);
    const ids = new Set(this.#list.frames.map(({ id }) => id));
    for (const id of [...this.#held.keys()]) if (!ids.has(id)) this.#drop(id);
    if (this.#newest) this.add(this.#newest);
    // A revision out of turn has viewers ask for the listing.
    if (list.revision !== revision) this.#changed({ added: [], removed: [], revision: list.revision });
    this.#missing.clear();
    this.#fill();
  }

  /** Takes a change of the origin's listing. Returns false if one before it was missed. */
  apply(change: LoopChange): boolean {
    if (!this.enabled || change.revision <= this.#list.revision) return true;
    if (change.revision !== this.#list.revision + 1) return false;
    const leaving = new Set(change.removed);
    const frames = this.#list.frames.filter(({ id }) => !leaving.has(id));
    const removed = this.#list.frames.filter(({ id }) => leaving.has(id)).map(({ id }) => id);
    // The next one may be the origin's first; one after a picture that is not listed has the origin asked.
    if (frames.length === 0) this.#isPart = false;
    const fresh = new Set<string>();
    for (const { after, ...frame } of change.added) {
      const before = after === null ? -1 : frames.findLastIndex(({ id }) => id === after);
      if (before < 0) {
        // It is older than all that is listed here.
        if (this.#isPart) continue;
        if (after !== null) return false;
      }
      frames.splice(before + 1, 0, frame);
      fresh.add(frame.id);
    }
    const left = this.#listNewest({ ...this.#list, revision: change.revision }, frames);
    removed.push(...left.filter(id => !fresh.has(id)));
    for (const id of removed) this.#drop(id);
    if (this.#newest) this.add(this.#newest);
    // Only what is listed here: a viewer finds a picture's place by the one before it.
    const added = frames.flatMap((frame, at) =>
      fresh.has(frame.id) ? [{ ...frame, after: frames[at - 1]?.id ?? null }] : [],
    );
    this.#changed({ added, removed, revision: change.revision });
    return true;
  }

  /** Lists the newest of these frames, which it changes, and returns the ids of the others. */
  #listNewest(list: LoopList, frames: LoopFrame[]): string[] {
    const maxFrames = Math.min(list.maxFrames, this.#limits.maxFrames);
    const left = frames.splice(0, Math.max(0, frames.length - this.#limits.maxFrames)).map(({ id }) => id);
    this.#isPart ||= left.length > 0;
    const bytes = frames.reduce((sum, frame) => sum + frame.bytes, 0);
    this.#list = { ...list, frames, bytes, maxFrames };
    return left;
  }

  #hold(frame: LoopFrame, picture: Picture): void {
    if (this.#held.has(frame.id) || picture.jpeg.length > this.#limits.maxBytes) return;
    this.#held.set(frame.id, picture);
    this.#bytes += picture.jpeg.length;
    for (const { id } of this.#list.frames) {
      if (this.#bytes <= this.#limits.maxBytes && this.#held.size <= this.#limits.maxFrames) return;
      if (id !== frame.id) this.#drop(id);
    }
  }

  #drop(id: string): void {
    this.#bytes -= this.#held.get(id)?.jpeg.length ?? 0;
    this.#held.delete(id);
  }

  #fetch(id: string): Promise<Picture | undefined> | undefined {
    const asked = this.#asked.get(id);
    if (asked !== undefined) return asked;
    if (this.#asked.size >= MOST_WAITING) return undefined;
    const answer = this.#askInTurn(id)
      .catch(() => undefined)
      .finally(() => this.#asked.delete(id));
    this.#asked.set(id, answer);
    return answer;
  }

  async #askInTurn(id: string): Promise<Picture | undefined> {
    if (this.#asking < AT_ONCE) this.#asking += 1;
    else await new Promise<void>(resolve => this.#turns.push(resolve));
    try {
      return await this.#ask(id);
    } finally {
      // The next one takes this one's place.
      const next = this.#turns.shift();
      if (next) next();
      else this.#asking -= 1;
    }
  }

  /** Asks for what is not held, newest first, as far as there is room. */
  #fill(): void {
    while (this.#filling.size < AT_ONCE && this.#missing.size < MOST_MISSING) {
      const frame = this.#list.frames.findLast(
        ({ id }) =>
          !this.#held.has(id) && !this.#filling.has(id) && !this.#asked.has(id) && !this.#missing.has(id),
      );
      const hasRoom =
        frame !== undefined &&
        this.#bytes + frame.bytes <= this.#limits.maxBytes &&
        this.#held.size < this.#limits.maxFrames;
      if (!hasRoom) return;
      this.#filling.add(frame.id);
      void this.#fillOne(frame);
    }
  }

  async #fillOne(frame: LoopFrame): Promise<void> {
    const picture = await this.#fetch(frame.id);
    this.#filling.delete(frame.id);
    if (!picture) this.#missing.add(frame.id);
    else if (this.#list.frames.some(({ id }) => id === frame.id)) this.#hold(frame, picture);
    this.#fill();
  }
}
