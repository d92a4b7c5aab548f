import { Counter, createMetrics, type Registry } from '../common/metrics.ts';

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

  published(): void {
    this.#published.inc();
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
