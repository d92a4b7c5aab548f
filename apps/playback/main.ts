import { address, publish } from '../common/bus.ts';
import { Fault } from '../common/errors.ts';
import { FrameLayout } from '../common/frame.ts';
import { FlowHealth } from '../common/health.ts';
import { runService } from '../common/lifecycle.ts';
import { ThrottledLog } from '../common/log.ts';
import { Counter, createMetrics, serveTelemetry } from '../common/metrics.ts';
import { schema } from './config.ts';
import { decode, probe } from './decode.ts';
import { play } from './playback.ts';
import { repeat } from './repeat.ts';

await runService('playback', schema, async ({ config, log, signal }) => {
  const output = { host: config.PLAYBACK_HOST, port: config.PLAYBACK_PORT, variable: 'PLAYBACK_PORT' };
  const metrics = createMetrics('playback');
  const counter = (name: string, help: string) => new Counter({ name, help, registers: [metrics] });
  const published = counter('noaa_playback_frames_published_total', 'Frames published');
  const damage = counter('noaa_playback_decode_errors_total', 'Parts of the clip that did not decode');
  const passes = counter('noaa_playback_passes_total', 'Times the clip was played to its end');
  const resets = counter(
    'noaa_playback_clock_resets_total',
    'Times decoding fell so far behind that the clock was set anew',
  );

  const clip = await probe(config.DATA_FILE);
  const layout = new FrameLayout(config.WIRE_FORMAT, clip.width, clip.height);
  const warnings = new ThrottledLog(log);
  const health = new FlowHealth('playback', `frames out of ${clip.path}`);
  const telemetry = { host: config.METRICS_HOST, port: config.METRICS_PORT };
  await serveTelemetry(telemetry, metrics, health, signal);
  const sink = await publish(output, signal);
  log.info(
    { clip: clip.path, width: clip.width, height: clip.height, format: layout.format, to: address(output) },
    `playing ${clip.width}×${clip.height} at ${(config.PLAYBACK_FPS ?? 1e6 / clip.intervalUs).toFixed(2)} frames a second`,
  );

  const start = () =>
    decode(clip, layout, signal, {
      damaged(line) {
        damage.inc();
        warnings.warn('damaged', `a part of ${clip.path} did not decode: ${line}`);
      },
    });
  let played = false;
  const frames = repeat(start, {
    loop: config.PLAYBACK_LOOP,
    intervalUs: clip.intervalUs,
    durationUs: clip.durationUs,
    passed(count) {
      if (count > 0) {
        played = true;
        return passes.inc();
      }
      const code = played ? 'decoder-failed' : 'bad-clip';
      throw new Fault(code, `DATA_FILE ${clip.path} has no frame that decodes; set it to a whole video file`);
    },
  });
  await play(frames, sink, signal, config.PLAYBACK_FPS, {
    published() {
      published.inc();
      health.flowed();
    },
    fellBehind(lateMs) {
      resets.inc();
      warnings.warn(
        'late',
        `decoding is ${Math.round(lateMs)} ms behind the clip's own rate: the picture runs slower`,
      );
    },
  });
});
