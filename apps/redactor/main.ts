import { publish, subscribe } from '../common/bus.ts';
import { address } from '../common/endpoint.ts';
import { FlowHealth } from '../common/health.ts';
import { runService } from '../common/lifecycle.ts';
import { ThrottledLog } from '../common/log.ts';
import { longestMessage } from '../common/memory.ts';
import { serveTelemetry } from '../common/metrics.ts';
import { checkSettingsFile } from '../common/settings-file.ts';
import { schema } from './config.ts';
import { redact } from './redactor.ts';
import { Telemetry } from './telemetry.ts';

/** What the redactor holds besides frames. */
const OWN_BYTES = 120 * 2 ** 20;

await runService('redactor', schema, async ({ config, log, signal }) => {
  const playback = { host: config.PLAYBACK_HOST, port: config.PLAYBACK_PORT, variable: 'PLAYBACK_PORT' };
  const output = { host: config.REDACTOR_HOST, port: config.REDACTOR_PORT, variable: 'REDACTOR_PORT' };
  if (config.SETTINGS_FILE) await checkSettingsFile(config.SETTINGS_FILE, log);
  const telemetry = new Telemetry();
  const warnings = new ThrottledLog(log);
  const source = subscribe(playback, signal, longestMessage(OWN_BYTES));
  const flow = `frames from playback at ${address(playback)}`;
  const health = new FlowHealth('redactor', flow, () => source.connected);
  const metrics = { host: config.METRICS_HOST, port: config.METRICS_PORT };
  await serveTelemetry(metrics, telemetry.registry, health, signal);
  const sink = await publish(output, signal);
  log.info(
    { from: address(playback), to: address(output), redactWidthPx: config.REDACT_WIDTH },
    `blackening ${config.REDACT_WIDTH} pixels of every edge`,
  );

  await redact(source, sink, signal, config.REDACT_WIDTH, {
    published(frame) {
      telemetry.published(frame);
      if (health.flowed())
        log.info({ width: frame.width, height: frame.height, format: frame.format }, 'frames flow');
    },
    refused(refusal) {
      const { reason, detail } = refusal;
      telemetry.refused(refusal);
      health.refused(reason);
      warnings.warn(reason, `refused a message from ${address(playback)}: ${reason} (${detail})`);
    },
  });
});
