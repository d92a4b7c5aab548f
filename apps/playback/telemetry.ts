import { Meters } from '../common/metrics.ts';

/** Counts what playback does, for `/metrics`. */
export class Telemetry {
  readonly #meters = new Meters('playback');
  readonly registry = this.#meters.registry;
  readonly #published = this.#meters.counter('noaa_playback_frames_published_total', 'Frames published');
  readonly #repeated = this.#meters.counter(
    'noaa_playback_frames_repeated_total',
    'Frames published again because they stayed, and not counted as published',
  );
  readonly #damage = this.#meters.counter(
    'noaa_playback_decode_errors_total',
    'Parts of the clip that did not decode',
  );
  readonly #leftOut = this.#meters.counter(
    'noaa_playback_pictures_left_out_total',
    'Pictures of a folder that were passed over because they cannot be shown, counted in each round',
  );
  readonly #passes = this.#meters.counter(
    'noaa_playback_passes_total',
    'Times the clip was played to its end',
  );
  readonly #resets = this.#meters.counter(
    'noaa_playback_clock_resets_total',
    'Times decoding fell so far behind that the clock was set anew',
  );
  readonly #refused = this.#meters.counter(
    'noaa_playback_subscribers_refused_total',
    'Subscribers that were turned away: another secret, or no descriptor left',
  );
  readonly #lost = this.#meters.gauge(
    'noaa_playback_source_lost',
    '1 while what DATA_FILE names cannot be played',
  );
  readonly #decodeWait = this.#meters.times(
    'noaa_playback_decode_wait_seconds',
    'How long playback waited for the decoder to have the next frame',
  );

  /** @param waitedMs how long the decoder let it wait for this frame */
  published(waitedMs: number): void {
    this.#published.inc();
    this.#decodeWait.observe(waitedMs);
  }

  refusedSubscriber(): void {
    this.#refused.inc();
  }

  lost(isLost: boolean): void {
    this.#lost.set(isLost ? 1 : 0);
  }

  repeated(): void {
    this.#repeated.inc();
  }

  damaged(): void {
    this.#damage.inc();
  }

  leftOut(): void {
    this.#leftOut.inc();
  }

  passed(): void {
    this.#passes.inc();
  }

  fellBehind(): void {
    this.#resets.inc();
  }
}
