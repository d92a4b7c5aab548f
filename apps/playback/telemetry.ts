import { Counter, type Registry } from '../common/metrics.ts';

/** What playback counts. */
export function createTelemetry(metrics: Registry) {
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [metrics] });
  return {
    published: counter('noaa_playback_frames_published_total', 'Frames published'),
    damage: counter('noaa_playback_decode_errors_total', 'Parts of the clip that did not decode'),
    passes: counter('noaa_playback_passes_total', 'Times the clip was played to its end'),
    resets: counter(
      'noaa_playback_clock_resets_total',
      'Times decoding fell so far behind that the clock was set anew',
    ),
  };
}
