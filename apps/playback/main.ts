import { publish } from '../common/bus.ts';
import { address } from '../common/endpoint.ts';
import { FlowHealth } from '../common/health.ts';
import { runService } from '../common/lifecycle.ts';
import { ThrottledLog } from '../common/log.ts';
import { serveTelemetry } from '../common/metrics.ts';
import { readSecret } from '../common/secret.ts';
import { schema } from './config.ts';
import { decode } from './decode.ts';
import { findFfmpeg } from './find-ffmpeg.ts';
import { play } from './playback.ts';
import { probe } from './probe.ts';
import { rounds } from './rounds.ts';
import { Telemetry } from './telemetry.ts';
import { withMeasuredTiming } from './timing.ts';

await runService('playback', schema, async ({ config, log, signal, onTaken }) => {
  const [probed] = await Promise.all([probe(config.DATA_FILE, signal), findFfmpeg(signal)]);
  const clip = await withMeasuredTiming(probed, signal);
  const secret = await readSecret('PLAYBACK_SECRET_FILE', config.PLAYBACK_SECRET_FILE);
  const rate = config.PLAYBACK_FPS ?? 1e6 / clip.intervalUs;

  const telemetry = new Telemetry();
  const warnings = new ThrottledLog(log);
  const health = new FlowHealth('playback', `frames out of ${clip.path}`);
  const metrics = {
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    allowedHosts: config.ALLOWED_HOSTS,
    onTaken: onTaken(),
  };
  await serveTelemetry(metrics, telemetry.registry, health, signal);
  const output = {
    host: config.PLAYBACK_HOST,
    port: config.PLAYBACK_PORT,
    variable: 'PLAYBACK_PORT',
    secret,
    onTaken: onTaken(why => health.blocked(why)),
  };
  const sink = await publish(output, signal, { refused: why => warnings.warn('refused-subscriber', why) });
  log.info(
    {
      clip: clip.path,
      width: clip.width,
      height: clip.height,
      format: config.WIRE_FORMAT,
      to: address(output),
    },
    `playing ${clip.width}×${clip.height} at ${rate.toFixed(2)} frames a second`,
  );

  const start = () =>
    decode(clip, config.WIRE_FORMAT, signal, {
      fps: config.PLAYBACK_FPS,
      damaged(line) {
        telemetry.damaged();
        warnings.warn('damaged', `a part of ${clip.path} did not decode: ${line}`);
      },
    });
  const frames = rounds(start, {
    loop: config.PLAYBACK_LOOP,
    fps: config.PLAYBACK_FPS,
    intervalUs: clip.intervalUs,
    durationUs: clip.durationUs,
    endUs: clip.endUs,
    dwellUs: config.PLAYBACK_DWELL * 1e6,
    passed: () => telemetry.passed(),
  });
  await play(frames, sink, signal, {
    waits(ms) {
      health.due(performance.now() + ms);
    },
    published() {
      telemetry.published();
      health.flowed();
    },
    repeated() {
      telemetry.repeated();
      health.flowed();
    },
    fellBehind(lateMs) {
      telemetry.fellBehind();
      const late = `decoding is ${Math.round(lateMs)} ms behind the clip's own rate`;
      warnings.warn('late', `${late}: the picture runs slower`);
    },
  });
});
