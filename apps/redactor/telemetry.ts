import type { MarkableFrame } from '../common/frame.ts';
import { Counter, createMetrics, InfoGauge } from '../common/metrics.ts';
import { SequenceGaps } from '../common/sequence.ts';
import { StageTimes } from '../common/stage-times.ts';
import { hexDigest } from './digest.ts';
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

  readonly #subscribersRefused = new Counter({
    name: 'noaa_redactor_subscribers_refused_total',
    help: 'Subscribers that were turned away: another secret, or no descriptor left',
    registers: [this.registry],
  });
  readonly #cover = new StageTimes(
    'noaa_redactor_cover_seconds',
    'How long it took to cover a frame',
    this.registry,
  );
  readonly #mask = new InfoGauge(
    'noaa_redactor_mask_info',
    'Always 1; the label is the digest of the mask in force, as /status of the visualizer has it',
    'mask',
    this.registry,
  );
  #digest: bigint | undefined;

  /** @param coverMs how long it took to cover the frame */
  published({ stamp }: MarkableFrame, coverMs: number): void {
    this.#published.inc();
    this.#cover.observe(coverMs);
    if (stamp.mask !== this.#digest) this.#mask.set(hexDigest(stamp.mask));
    this.#digest = stamp.mask;
    this.#missed.inc(this.#gaps.missedBefore(stamp.sequence) ?? 0);
  }

  refusedSubscriber(): void {
    this.#subscribersRefused.inc();
  }

  reconnected(): void {
    this.#reconnects.inc();
  }

  withheld({ reason }: Withheld): void {
    this.#refused.inc({ reason });
  }
}
