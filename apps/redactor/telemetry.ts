import type { Frame, MarkableFrame, Stamp } from '../common/frame.ts';
import { LossWatch } from '../common/loss-watch.ts';
import { addReading, Meters } from '../common/metrics.ts';
import { SequenceGaps } from '../common/sequence.ts';
import { ageMs } from '../common/stamp-age.ts';
import { hexDigest } from './digest.ts';
import type { Withheld } from './redactor.ts';

/** Counts what the redactor does, for Prometheus. */
export class Telemetry {
  readonly #meters = new Meters('redactor');
  readonly registry = this.#meters.registry;
  readonly #gaps = new SequenceGaps();
  readonly #published = this.#meters.counter(
    'noaa_redactor_frames_published_total',
    'Frames redacted and published',
  );
  readonly #missed = this.#meters.counter(
    'noaa_redactor_frames_missed_total',
    'Frames that playback published and that a newer one replaced before they arrived',
  );
  readonly #refused = this.#meters.counter(
    'noaa_redactor_frames_refused_total',
    'Messages that were not published because they could not be redacted with certainty',
    'reason',
  );
  readonly #reconnects = this.#meters.counter(
    'noaa_redactor_reconnects_total',
    'Connections to playback made after the first',
  );
  readonly #subscribersRefused = this.#meters.counter(
    'noaa_redactor_subscribers_refused_total',
    'Subscribers that were turned away: another secret, or no descriptor left',
  );
  readonly #arrival = this.#meters.times(
    'noaa_redactor_arrival_seconds',
    "From playback's time stamp until the redactor began to cover the frame",
  );
  readonly #cover = this.#meters.times('noaa_redactor_cover_seconds', 'How long it took to cover a frame');
  readonly #covered = this.#meters.gauge(
    'noaa_redactor_covered_ratio',
    'Share of the picture that is covered; at 1 viewers see nothing of it',
  );
  readonly #mask = this.#meters.info(
    'noaa_redactor_mask_info',
    'Always 1; the label is the digest of the mask in force, as /status of the visualizer has it',
    'mask',
  );
  #digest: bigint | undefined;
  readonly #losses = new LossWatch();
  readonly #lost: (facts: string) => void;

  /**
   * @param isMaskFaulty whether it is not known what to cover
   * @param lost called once a second while too many frames are missed, with how many
   */
  constructor(isMaskFaulty: () => boolean, lost: (facts: string) => void = () => {}) {
    this.#lost = lost;
    addReading(this.registry, {
      name: 'noaa_redactor_mask_faulty',
      help: '1 while nothing is published because MASK_FILE holds no mask',
      read: () => (isMaskFaulty() ? 1 : 0),
    });
  }

  /** @param coverMs how long it took to cover the frame */
  published({ stamp }: MarkableFrame, coverMs: number): void {
    this.#published.inc();
    this.#cover.observe(coverMs);
    const age = ageMs(stamp);
    if (age !== null) this.#arrival.observe(Math.max(0, age - coverMs));
    if (stamp.mask !== this.#digest) this.#mask.set(hexDigest(stamp.mask));
    this.#digest = stamp.mask;
    this.#arrived(stamp);
  }

  refusedSubscriber(): void {
    this.#subscribersRefused.inc();
  }

  reconnected(): void {
    this.#reconnects.inc();
  }

  covers(share: number): void {
    this.#covered.set(share);
  }

  /** A frame that is withheld has arrived, so it is not missed as well. */
  withheld({ reason }: Withheld, frame?: Frame): void {
    this.#refused.inc({ reason });
    if (frame?.stamp) this.#arrived(frame.stamp);
  }

  #arrived({ sequence }: Stamp): void {
    const missed = this.#gaps.missedBefore(sequence) ?? 0;
    this.#missed.inc(missed);
    const facts = this.#losses.noted(missed, 1);
    if (facts) this.#lost(facts);
  }
}
