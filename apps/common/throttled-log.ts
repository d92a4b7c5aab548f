import type { Logger } from './log.ts';

/** A fault is over once it has not been reported for this long, unless its reporter says otherwise. */
const QUIET_MS = 5000;
/** Another sentence about a fault that lasts is logged at most this often. */
const PERIOD_MS = 10_000;
/** Sentences about one fault that are told apart, in case a peer makes them up. */
const MOST_KINDS = 10;
/** A fault that lasts is logged again after this time, for those who read only the newest lines. */
const REMINDER_MS = 3_600_000;

/** A fault from its first report to its last. */
interface Episode {
  message: string;
  /** The messages that were logged of it, without their figures, which may be others with every frame. */
  kinds: Set<string>;
  sinceMs: number;
  loggedMs: number;
  lastMs: number;
  count: number;
  quietMs: number;
}

/**
 * Logs what may happen with every frame twice: when it begins and when it is over, with how often it happened. Keys come
 * from closed sets, so the map is bounded.
 */
export class ThrottledLog {
  readonly #episodes = new Map<string, Episode>();
  readonly #log: Pick<Logger, 'warn' | 'info'>;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Pick<Logger, 'warn' | 'info'>) {
    this.#log = log;
  }

  /** @param quietMs the fault is over once it has not been reported for this long */
  warn(key: string, message: string, nowMs = performance.now(), quietMs = QUIET_MS): void {
    const episode = this.#episodes.get(key);
    if (!episode || nowMs - episode.lastMs >= quietMs) {
      if (episode) this.#end(key, episode);
      this.#log.warn({ reason: key }, message);
      const kinds = new Set([kindOf(message)]);
      const times = { sinceMs: nowMs, loggedMs: nowMs, lastMs: nowMs };
      this.#episodes.set(key, { message, kinds, ...times, count: 1, quietMs });
      // Looking for its end is no reason to keep a process alive.
      this.#timer ??= setInterval(() => this.look(), QUIET_MS / 5).unref();
      return;
    }
    episode.count += 1;
    episode.lastMs = nowMs;
    const loggedAgoMs = nowMs - episode.loggedMs;
    if (loggedAgoMs < PERIOD_MS) return;
    const kind = kindOf(message);
    // Two sentences that take turns are no news after the first of each.
    const isKnown = episode.kinds.has(kind) || episode.kinds.size >= MOST_KINDS;
    if (isKnown && loggedAgoMs < REMINDER_MS) return;
    this.#log.warn({ reason: key, repeated: episode.count }, message);
    if (!isKnown) episode.kinds.add(kind);
    Object.assign(episode, { message, loggedMs: nowMs });
  }

  /** Logs the end of every fault that is over. */
  look(nowMs = performance.now()): void {
    for (const [key, episode] of this.#episodes) {
      if (nowMs - episode.lastMs < episode.quietMs) continue;
      this.#episodes.delete(key);
      this.#end(key, episode);
    }
    if (this.#episodes.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #end(key: string, { message, sinceMs, lastMs, count }: Episode): void {
    // What happened once is over with its one line.
    if (count === 1) return;
    const seconds = Math.round((lastMs - sinceMs) / 100) / 10;
    this.#log.info(
      { reason: key, repeated: count, seconds },
      `over after ${seconds} s, ${count} times in all: ${message}`,
    );
  }
}

function kindOf(message: string): string {
  return message.replaceAll(/\d+/g, '0');
}
