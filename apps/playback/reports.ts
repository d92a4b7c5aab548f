import { auditLog } from '../common/audit.ts';
import type { Logger } from '../common/log.ts';
import { ThrottledLog } from '../common/throttled-log.ts';
import type { FolderEvents } from './folder-source.ts';
import type { PlaybackEvents } from './playback.ts';
import type { Opened, SourceEvents } from './source.ts';
import type { SourceHealth } from './source-health.ts';
import type { Telemetry } from './telemetry.ts';

/** Turns what happens into counters, health and log lines. */
export class Reports implements PlaybackEvents, SourceEvents, FolderEvents {
  readonly #log: Logger;
  /** What plays, and what can't be played, is for the audit. */
  readonly #sourceLog: Logger;
  readonly #warnings: ThrottledLog;
  readonly #telemetry: Telemetry;
  readonly #health: SourceHealth;
  readonly #facts: Record<string, unknown>;
  #lost: string | undefined;

  /** @param facts what each line about the source says besides its own facts */
  constructor(log: Logger, telemetry: Telemetry, health: SourceHealth, facts: Record<string, unknown>) {
    this.#log = log;
    this.#sourceLog = auditLog(log, 'source');
    this.#warnings = new ThrottledLog(log);
    this.#telemetry = telemetry;
    this.#health = health;
    this.#facts = facts;
  }

  opened({ summary, facts }: Opened): void {
    this.#lost = undefined;
    this.#telemetry.lost(false);
    this.#sourceLog.info({ ...facts, ...this.#facts }, summary);
  }

  lost(reason: string): void {
    this.#health.lost(reason);
    this.#telemetry.lost(true);
    if (this.#lost === reason) return;
    this.#lost = reason;
    this.#sourceLog.warn({ reason: 'lost' }, reason);
  }

  damaged(line: string): void {
    this.#telemetry.damaged();
    this.#warnings.warn('damaged', `a part of DATA_FILE did not decode: ${line}`);
  }

  odd(sentence: string): void {
    this.#log.warn({ reason: 'picture' }, sentence);
  }

  leftOut(): void {
    this.#telemetry.leftOut();
  }

  passed(): void {
    this.#telemetry.passed();
  }

  waits(ms: number): void {
    this.#health.due(performance.now() + ms);
  }

  published(_positionUs: number, waitedMs: number): void {
    this.#telemetry.published(waitedMs);
    this.#health.flowed();
  }

  repeated(): void {
    this.#telemetry.repeated();
    this.#health.flowed();
  }

  fellBehind(lateMs: number): void {
    this.#telemetry.fellBehind();
    const late = `decoding is ${Math.round(lateMs)} ms behind the clip's own rate`;
    this.#warnings.warn('late', `${late}: the picture runs slower`);
  }

  refusedSubscriber(why: string): void {
    this.#telemetry.refusedSubscriber();
    this.#warnings.warn('refused-subscriber', why);
  }
}
