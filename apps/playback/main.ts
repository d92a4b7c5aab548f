import { publish } from '../common/bus.ts';
import { address } from '../common/endpoint.ts';
import { runService } from '../common/lifecycle.ts';
import { serveTelemetry } from '../common/metrics.ts';
import { readSecret } from '../common/secret.ts';
import { schema } from './config.ts';
import { FileVersion } from './file-version.ts';
import { findFfmpeg } from './find-ffmpeg.ts';
import { sourceOpener } from './open-source.ts';
import { play } from './playback.ts';
import { Reports } from './reports.ts';
import { follow } from './source.ts';
import { SourceHealth } from './source-health.ts';
import { Telemetry } from './telemetry.ts';

await runService('playback', schema, async ({ config, log, signal, onTaken }) => {
  const health = new SourceHealth(config.DATA_FILE);
  const output = {
    host: config.PLAYBACK_HOST,
    port: config.PLAYBACK_PORT,
    variable: 'PLAYBACK_PORT',
    secret: await readSecret('PLAYBACK_SECRET_FILE', config.PLAYBACK_SECRET_FILE),
    onTaken: onTaken(why => health.blocked(why)),
  };
  const telemetry = new Telemetry();
  const reports = new Reports(log, telemetry, health, { to: address(output) });
  const version = new FileVersion(config.DATA_FILE);
  const open = sourceOpener(config, version, reports, signal);
  const [first] = await Promise.all([open(), findFfmpeg(signal)]);

  const metrics = {
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    socket: config.METRICS_SOCKET,
    allowedHosts: config.ALLOWED_HOSTS,
    onTaken: onTaken(),
  };
  await serveTelemetry(metrics, telemetry.registry, health, signal);
  const sink = await publish(output, signal, { refused: why => reports.refusedSubscriber(why) });
  reports.opened(first);
  await play(follow(first, open, version, signal, reports), sink, signal, reports);
});
