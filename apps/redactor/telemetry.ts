import type { MarkableFrame } from '../common/frame.ts';
import { Counter, createMetrics } from '../common/metrics.ts';
import { SequenceGaps } from '../common/sequence.ts';
import type { Withheld } from './redactor.ts';

/** Counts what the redactor does, for Prometheus. */
export class Telemetry {
  readonly registry = createMetrics('redactor');
  readonly #gaps = new SequenceGaps();
  readonly #published = new Counter({
    name: 'noaa_redactor_frames_published_total',
    help: 'Frames redacted and published',
    registers: [this.registry],
  });
  readonly #missed = new Counter({
    name: 'noaa_redactor_frames_missed_total',
    help: 'Frames that playback published and that a newer one replaced before they arrived',
    registers: [this.registry],
  });
  readonly #refused = new Counter({
    name: 'noaa_redactor_frames_refused_total',
    help: 'Messages that were not published because they could not be redacted with certainty',
    labelNames: ['reason'],
    registers: [this.registry],
  });

  readonly #reconnects = new Counter({
    name: 'noaa_redactor_reconnects_total',
    help: 'Connections to playback made after the first',
    registers: [this.registry],
  });

  published({ stamp }: MarkableFrame): void {
    this.#published.inc();
    this.#missed.inc(this.#gaps.missedBefore(stamp.sequence) ?? 0);
  }

  reconnected(): void {
    this.#reconnects.inc();
  }

  withheld({ reason }: Withheld): void {
    this.#refused.inc({ reason });
  }
}
