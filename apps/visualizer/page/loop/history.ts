import type { LoopChange, LoopFrame, LoopList } from '../../messages.js';
import { addressOf } from '../live/address.ts';

const NONE: LoopList = { frames: [], bytes: 0, maxBytes: 0, maxFrames: 0, revision: -1 };
/** Leaves room for the stream and a status within a browser's six connections. */
const PARALLEL = 4;
const RETRY_MS = 2000;
/** While hundreds of pictures arrive, the page shows how far it is this often. */
const REPORT_MS = 100;

/** The pictures that the server keeps: their list, and the JPEGs of those that were loaded. */
export class History {
  /** Oldest first. */
  frames: LoopFrame[] = [];
  readonly #jpegs = new Map<string, Blob>();
  readonly #changed: () => void;
  /** Kept once there is a list with frames. */
  readonly listed: Promise<void>;
  readonly #resolve: () => void;
  /** What came by the stream while the list was on its way. */
  #meanwhile: LoopChange[] | undefined;
  readonly #loading = new Set<string>();
  #loaders = 0;
  #revision = -1;
  #report: ReturnType<typeof setTimeout> | undefined;
  #reportedMs = 0;
  /** The frames to load, the most urgent first. */
  #wanted: LoopFrame[] = [];

  constructor(changed: () => void) {
    this.#changed = changed;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.listed = promise;
    this.#resolve = resolve;
  }

  jpeg(id: string): Blob | undefined {
    return this.#jpegs.get(id);
  }

  /** Asks for the list. Without an answer it stays as it is; an answer that there is none empties it. */
  async list(): Promise<void> {
    const meanwhile: LoopChange[] = [];
    this.#meanwhile = meanwhile;
    try {
      const answer = await fetch(addressOf('loop'), { signal: AbortSignal.timeout(5000) });
      const { frames, revision } = answer.ok ? ((await answer.json()) as LoopList) : NONE;
      if (this.#meanwhile !== meanwhile) return;
      this.#meanwhile = undefined;
      this.#replace(frames);
      this.#revision = revision;
      for (const change of meanwhile) if (change.revision > revision) this.#apply(change);
      if (frames.length > 0) this.#resolve();
      this.#changed();
    } catch {
      // The stream reports whether the server is there, and the list is asked for again when it is back.
    }
  }

  change(change: LoopChange): void {
    this.#meanwhile?.push(change);
    if (this.#meanwhile) return;
    this.#apply(change);
    this.#changed();
  }

  /** Loads these frames, in this order, and no others. */
  load(wanted: LoopFrame[]): void {
    this.#wanted = wanted.filter(({ id }) => !this.#jpegs.has(id) && !this.#loading.has(id));
    while (this.#loaders < PARALLEL && this.#wanted.length > 0) void this.#loadNext();
  }

  async #loadNext(): Promise<void> {
    this.#loaders++;
    for (let frame = this.#wanted.shift(); frame; frame = this.#wanted.shift()) {
      const { id } = frame;
      this.#loading.add(id);
      try {
        const answer = await fetch(addressOf(`loop/${id}.jpg?marking=0`));
        if (!answer.ok) continue;
        const jpeg = await answer.blob();
        // It may have left the history meanwhile: what a stricter mask covers must not stay here.
        if (!this.frames.some(kept => kept.id === id)) continue;
        this.#jpegs.set(id, jpeg);
        this.#loaded();
      } catch {
        await new Promise(resolve => setTimeout(resolve, RETRY_MS));
      } finally {
        this.#loading.delete(id);
      }
    }
    this.#loaders--;
  }

  #loaded(): void {
    if (this.#report !== undefined) return;
    const sinceMs = performance.now() - this.#reportedMs;
    this.#report = setTimeout(
      () => {
        this.#report = undefined;
        this.#reportedMs = performance.now();
        this.#changed();
      },
      Math.max(0, REPORT_MS - sinceMs),
    );
  }

  #apply({ added, removed, revision }: LoopChange): void {
    // The server skips events for a viewer that is behind.
    if (revision !== this.#revision + 1) void this.list();
    this.#revision = revision;
    const gone = new Set([...removed, ...added.map(({ id }) => id)]);
    const frames = this.frames.filter(({ id }) => !gone.has(id));
    for (const { after, ...frame } of added) {
      const before = after === null ? -1 : frames.findLastIndex(({ id }) => id === after);
      frames.splice(after !== null && before < 0 ? frames.length : before + 1, 0, frame);
    }
    this.#replace(frames);
  }

  #replace(frames: LoopFrame[]): void {
    this.frames = frames;
    const kept = new Set(frames.map(({ id }) => id));
    for (const id of this.#jpegs.keys()) if (!kept.has(id)) this.#jpegs.delete(id);
  }
}
