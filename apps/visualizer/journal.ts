import { auditLog } from '../common/audit.ts';
import { asError } from '../common/errors.ts';
import type { Stamp } from '../common/frame.ts';
import type { Logger } from '../common/log.ts';
import type { ThrottledLog } from '../common/throttled-log.ts';
import type { Ended } from './broadcast.ts';
import type { FeedEvents } from './feed.ts';
import { clockDifference, type Implausible, type Source, type SourceView } from './source.ts';

/** Writes down what happens to the picture. What may happen with every frame is logged at most every ten seconds. */
export class Journal implements FeedEvents {
  readonly #states: Logger;
  readonly #viewers: Logger;
  readonly #warnings: ThrottledLog;
  readonly #peer: string;

  constructor(log: Logger, warnings: ThrottledLog, peer: string) {
    this.#states = auditLog(log, 'state');
    this.#viewers = auditLog(log, 'viewer');
    this.#warnings = warnings;
    this.#peer = peer;
  }

  changed({ state, message }: SourceView): void {
    this.#states.info({ state }, message);
  }

  left({ kind, who, startedAt, bytes, ending }: Ended): void {
    const { address, user, by } = who;
    const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000);
    const name = user === undefined ? address : `${user} at ${address}`;
    this.#viewers.info(
      { stream: kind, address, user, by, start: startedAt, end: new Date(), bytes, ending },
      `${name} watched for ${seconds} s, ${(bytes / 1e6).toFixed(1)} MB: ${ending}`,
    );
  }

  implausible(what: Implausible, { clockBehindMs }: Source, { sequence }: Stamp): void {
    const message =
      what === 'clock'
        ? `the clock of playback is ${clockDifference(clockBehindMs ?? 0)} this host's; set both by NTP`
        : `a frame claims the sequence ${sequence}, which no publisher can have reached`;
    this.#warnings.warn(`implausible-${what}`, message);
  }

  outOfOrder(): void {
    const message = `refused a frame from ${this.#peer}: it comes before one that has been shown; look for a second publisher`;
    this.#warnings.warn('out-of-order', message);
  }

  slow(what: Parameters<FeedEvents['slow']>[0], facts: string): void {
    const sentences = {
      'lost-upstream':
        `${facts} were lost before they came here: the link from ${this.#peer} is slow, a service before this one is short ` +
        'of CPU, or this one is',
      'lost-encoder': `${facts} were not encoded, because newer ones came first: this service is short of CPU`,
      'viewers-behind': `${facts} do not take pictures as fast as they are written: the line out of this host is too slow, or theirs`,
      'pictures-late':
        `half of the pictures take ${facts} or more from playback to here: a link is slow, a service is short of CPU, ` +
        'or the clocks of two hosts differ',
    };
    this.#warnings.warn(what, sentences[what]);
  }

  blank(): void {
    const message =
      'the picture has one colour throughout: REDACT_WIDTH or MASK_FILE covers all of it, which the log of the redactor ' +
      'says, or the clip shows nothing';
    this.#warnings.warn('blank', message);
  }

  encodeFailed(error: unknown): void {
    this.#warnings.warn('encode-failed', asError(error).message);
  }

  refused(reason: string, detail: string): void {
    this.#warnings.warn(reason, `refused a message from ${this.#peer}: ${reason} (${detail})`);
  }
}
