import { publish, subscribe } from '../common/bus.ts';
import { address } from '../common/endpoint.ts';
import { FlowHealth } from '../common/health.ts';
import { runService } from '../common/lifecycle.ts';
import { ThrottledLog } from '../common/log.ts';
import { Counter, createMetrics, serveTelemetry } from '../common/metrics.ts';
import { SequenceGaps } from '../common/sequence.ts';
import { schema } from './config.ts';
import { redact } from './redactor.ts';

await runService('redactor', schema, async ({ config, log, signal }) => {
  const playback = { host: config.PLAYBACK_HOST, port: config.PLAYBACK_PORT, variable: 'PLAYBACK_PORT' };
  const output = { host: config.REDACTOR_HOST, port: config.REDACTOR_PORT, variable: 'REDACTOR_PORT' };
  const metrics = createMetrics('redactor');
  const published = new Counter({
    name: 'noaa_redactor_frames_published_total',
    help: 'Frames redacted and published',
    registers: [metrics],
  });
  const missed = new Counter({
    name: 'noaa_redactor_frames_missed_total',
    help: 'Frames that playback published and that a newer one replaced before they arrived',
    registers: [metrics],
  });
  const refused = new Counter({
    name: 'noaa_redactor_frames_refused_total',
    help: 'Messages that were not published because they could not be redacted with certainty',
    labelNames: ['reason'],
    registers: [metrics],
  });

  const gaps = new SequenceGaps();
  const warnings = new ThrottledLog(log);
  const source = subscribe(playback, signal);
  const flow = `frames from playback at ${address(playback)}`;
  const health = new FlowHealth('redactor', flow, () => source.connected);
  const telemetry = { host: config.METRICS_HOST, port: config.METRICS_PORT };
  await serveTelemetry(telemetry, metrics, health, signal);
  const sink = await publish(output, signal);
  log.info(
    { from: address(playback), to: address(output), redactWidthPx: config.REDACT_WIDTH },
    `blackening ${config.REDACT_WIDTH} pixels of every edge`,
  );

  await redact(source, sink, signal, config.REDACT_WIDTH, {
    published(frame) {
      published.inc();
      if (frame.stamp) missed.inc(gaps.missedBefore(frame.stamp.sequence));
      if (health.flowed())
        log.info({ width: frame.width, height: frame.height, format: frame.format }, 'frames flow');
    },
    refused({ reason, detail }) {
      refused.inc({ reason });
      health.refused(reason);
      warnings.warn(reason, `refused a message from ${address(playback)}: ${reason} (${detail})`);
    },
  });
});
