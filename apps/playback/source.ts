import { setTimeout as sleep } from 'node:timers/promises';
import { asError, Fault, sentenceOf } from '../common/errors.ts';
import type { FileVersion } from './file-version.ts';
import { patiently } from './patience.ts';
import type { Cue } from './playback.ts';

/** Something that plays: a clip, a still or a folder, as it was when it was opened. */
export interface Opened {
  /** One sentence for the log, and the facts in it. */
  summary: string;
  facts: Record<string, unknown>;
  /**
   * Plays it from a time on. Returns when the next frame is due if it has become another, or undefined if it is over.
   *
   * @throws Fault if it can't be played any more
   */
  cues(fromUs: number): AsyncGenerator<Cue, number | undefined>;
}

export interface SourceEvents {
  /** It has become another, or can be played again. */
  opened(opened: Opened): void;
  /** Nothing can be played at the moment, for this reason; called about once a second. */
  lost(reason: string): void;
}

/** A file that is being replaced is not lost yet. */
const GRACE_MS = 1000;
/** A notice for viewers, and a look at the file, this often while nothing can be played. */
const NOTICE_MS = 1000;
/** A file that stays as it is, is tried again after these times: what is mended elsewhere, e.g. its storage, shows within 5 s. */
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 3000;
/** A frame takes milliseconds, 0.3 s with the start of a decoder. */
const SLOW_MS = 3000;
const OPEN_MS = 20_000;

/** Nothing could be played since a moment, also if it was opened well meanwhile and gave no frame. */
interface Trouble {
  sinceMs: number;
  noticedMs: number;
  retryMs: number;
}

/**
 * Plays what DATA_FILE names, and follows it: when it has become another it is opened again, and while it can't be
 * played it is tried again, with a notice to viewers that says why. Ends only when what plays is over.
 *
 * @param first it, opened; so a file that is bad from the start has been refused
 * @throws Fault as long as nothing has been played
 */
export async function* follow(
  first: Opened,
  open: () => Promise<Opened>,
  version: FileVersion,
  signal: AbortSignal,
  events: SourceEvents,
): AsyncGenerator<Cue> {
  let opened = first;
  let fromUs = 0;
  let isPlayed = false;
  let trouble: Trouble | undefined;
  for (;;) {
    try {
      const cues = opened.cues(fromUs);
      let isAnew = true;
      for (;;) {
        const next = cues.next();
        if (isPlayed) yield* noticesUntil(next, SLOW_MS, hangs, events);
        const { value, done } = await next;
        if (done) {
          if (value === undefined || signal.aborted) return;
          fromUs = value;
          break;
        }
        if ('dueUs' in value) {
          if (isAnew && isPlayed) events.opened(opened);
          yield isAnew ? { ...value, anew: true } : value;
          fromUs = value.dueUs;
          isAnew = false;
          isPlayed = true;
          trouble = undefined;
        } else {
          yield value;
        }
      }
      opened = await open();
    } catch (thrown) {
      if (signal.aborted) return;
      if (!isPlayed || !(thrown instanceof Fault)) throw thrown;
      if (trouble) trouble.retryMs = Math.min(2 * trouble.retryMs, LAST_RETRY_MS);
      trouble ??= {
        sinceMs: performance.now(),
        noticedMs: Number.NEGATIVE_INFINITY,
        retryMs: FIRST_RETRY_MS,
      };
      opened = yield* reopened(thrown, trouble, open, version, events, signal);
    }
    if (signal.aborted) return;
  }
}

/** Storage that hangs shows in nothing else than that no frame comes. */
const HANGS = 'no frame of DATA_FILE can be read at the moment: its storage may hang';
const hangs = { reason: HANGS, notice: HANGS };

/** Says why there is no frame, once a second, while something takes its time. */
async function* noticesUntil(
  next: Promise<unknown>,
  firstMs: number,
  { reason, notice }: { reason: string; notice: string },
  events: SourceEvents,
): AsyncGenerator<Cue> {
  const settled = next.then(
    () => true,
    () => true,
  );
  for (let waitMs = firstMs; ; waitMs = NOTICE_MS) {
    const { promise: patience, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, waitMs, false);
    const isSettled = await Promise.race([settled, patience]);
    clearTimeout(timer);
    if (isSettled) return;
    events.lost(reason);
    yield { notice };
  }
}

/** Tries again until it plays: at once when the file has become another, with growing pauses while it stays as it is. */
async function* reopened(
  fault: Fault,
  trouble: Trouble,
  open: () => Promise<Opened>,
  version: FileVersion,
  events: SourceEvents,
  signal: AbortSignal,
): AsyncGenerator<Cue, Opened> {
  let reason = sentenceOf(fault);
  let triedVersion = await version.now();
  let nextMs = performance.now() + trouble.retryMs;
  for (;;) {
    await sleep(FIRST_RETRY_MS, undefined, { signal });
    const nowMs = performance.now();
    if (nowMs - trouble.sinceMs >= GRACE_MS && nowMs - trouble.noticedMs >= NOTICE_MS) {
      trouble.noticedMs = nowMs;
      events.lost(reason);
      yield { notice: triedAgain(reason) };
    }
    const newest = await version.now();
    // Looks are a little late or early; one that is nearly due is not put off to the next.
    if (newest === triedVersion && performance.now() < nextMs - FIRST_RETRY_MS / 2) continue;
    try {
      if (newest === undefined) throw new Fault('decoder-failed', 'the storage of DATA_FILE does not answer');
      const opening = patiently(open(), OPEN_MS, 'DATA_FILE could not be opened');
      // Viewers would be left with a guess of why there is no picture, because an opening may take seconds.
      const firstMs = trouble.noticedMs > trouble.sinceMs ? NOTICE_MS : GRACE_MS + NOTICE_MS;
      yield* noticesUntil(opening, firstMs, { reason, notice: triedAgain(reason) }, events);
      return await opening;
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof Fault)) throw asError(thrown);
      reason = sentenceOf(thrown);
      triedVersion = newest;
      trouble.retryMs = Math.min(2 * trouble.retryMs, LAST_RETRY_MS);
      nextMs = performance.now() + trouble.retryMs;
    }
  }
}

const triedAgain = (reason: string) => `${reason.replace(/; [^;]*$/, '')}; playback tries again`;
