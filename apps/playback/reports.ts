import { auditLog } from '../common/audit.ts';
import type { Logger } from '../common/log.ts';
import { ThrottledLog } from '../common/throttled-log.ts';
import type { FolderEvents } from './folder-source.ts';
import type { PlaybackEvents } from './playback.ts';
import type { Opened, SourceEvents } from './source.ts';
import type { SourceHealth } from './source-health.ts';
import type { Telemetry } from './telemetry.ts';

/** A loss is over once frames have flowed for this long; storage that is slow loses one after another. */
const QUIET_MS = 5000;
/** Reasons of one loss that are logged; two may take turns as long as it lasts. */
const MOST_REASONS = 10;

/** Turns what happens into counters, health and log lines. */
export class Reports implements PlaybackEvents, SourceEvents, FolderEvents {
  readonly #log: Logger;
  /** What plays, and what can't be played, is for the audit. */
  readonly #sourceLog: Logger;
  readonly #warnings: ThrottledLog;
  readonly #telemetry: Telemetry;
  readonly #health: SourceHealth;
  readonly #facts: Record<string, unknown>;
  /** The reasons that were logged of the loss that goes on. */
  readonly #lost = new Set<string>();
  #lostMs = 0;

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
    this.#lost.clear();
    this.#telemetry.lost(false);
    this.#sourceLog.info({ ...facts, ...this.#facts }, summary);
  }

  lost(reason: string, nowMs = performance.now()): void {
    this.#health.lost(reason);
    this.#telemetry.lost(true);
    this.#lostMs = nowMs;
    if (this.#lost.has(reason) || this.#lost.size >= MOST_REASONS) return;
    this.#lost.add(reason);
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

  published(_positionUs: number, waitedMs: number, nowMs = performance.now()): void {
    this.#telemetry.published(waitedMs);
    this.#flowed(nowMs);
  }

  repeated(nowMs = performance.now()): void {
    this.#telemetry.repeated();
    this.#flowed(nowMs);
  }

  /** Storage that has hung goes on without being opened again. */
  #flowed(nowMs: number): void {
    this.#health.flowed();
    if (this.#lost.size === 0) return;
    this.#telemetry.lost(false);
    if (nowMs - this.#lostMs < QUIET_MS) return;
    this.#lost.clear();
    this.#sourceLog.info('frames of DATA_FILE can be read again');
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
