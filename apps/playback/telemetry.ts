import { Counter, createMetrics, Gauge, type Registry } from '../common/metrics.ts';
import { StageTimes } from '../common/stage-times.ts';

/** Counts what playback does, for `/metrics`. */
export class Telemetry {
  readonly registry: Registry = createMetrics('playback');
  readonly #published = this.#counter('noaa_playback_frames_published_total', 'Frames published');
  readonly #repeated = this.#counter(
    'noaa_playback_frames_repeated_total',
    'Frames published again because they stayed, and not counted as published',
  );
  readonly #damage = this.#counter(
    'noaa_playback_decode_errors_total',
    'Parts of the clip that did not decode',
  );
  readonly #passes = this.#counter('noaa_playback_passes_total', 'Times the clip was played to its end');
  readonly #resets = this.#counter(
    'noaa_playback_clock_resets_total',
    'Times decoding fell so far behind that the clock was set anew',
  );

  readonly #refused = this.#counter(
    'noaa_playback_subscribers_refused_total',
    'Subscribers that were turned away: another secret, or no descriptor left',
  );
  readonly #lost = new Gauge({
    name: 'noaa_playback_source_lost',
    help: '1 while what DATA_FILE names cannot be played',
    registers: [this.registry],
  });
  readonly #decodeWait = new StageTimes(
    'noaa_playback_decode_wait_seconds',
    'How long playback waited for the decoder to have the next frame',
    this.registry,
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

  passed(): void {
    this.#passes.inc();
  }

  fellBehind(): void {
    this.#resets.inc();
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.registry] });
  }
}
