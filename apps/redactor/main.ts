import { publish, subscribe } from '../common/bus.ts';
import { address } from '../common/endpoint.ts';
import { FlowHealth } from '../common/health.ts';
import { runService } from '../common/lifecycle.ts';
import { measureLink } from '../common/link-metrics.ts';
import { reportLink } from '../common/link-report.ts';
import { longestMessage } from '../common/memory.ts';
import { serveTelemetry } from '../common/metrics.ts';
import { checkSettingsFile } from '../common/settings-file.ts';
import { ThrottledLog } from '../common/throttled-log.ts';
import { schema } from './config.ts';
import { outputEndpoint, playbackEndpoint } from './endpoints.ts';
import { redactionInForce } from './in-force.ts';
import { Journal } from './journal.ts';
import { redact } from './redactor.ts';
import { RedactorHealth } from './redactor-health.ts';
import { reports } from './reports.ts';
import { Telemetry } from './telemetry.ts';

/** What the redactor holds besides frames. */
const OWN_BYTES = 120 * 2 ** 20;

await runService('redactor', schema, async ({ config, log, signal, onTaken }) => {
  const playback = await playbackEndpoint(config);
  const output = { ...(await outputEndpoint(config)), onTaken: onTaken(why => flow.blocked(why)) };
  if (config.SETTINGS_FILE) await checkSettingsFile(config.SETTINGS_FILE, log);
  const journal = new Journal(log, address(playback));
  const inForce = await redactionInForce(config, journal, signal);
  const telemetry = new Telemetry(
    () => !inForce().ok,
    facts => journal.lost(facts),
  );
  const source = subscribe(
    playback,
    signal,
    longestMessage(OWN_BYTES),
    reportLink(`playback at ${address(playback)}`, new ThrottledLog(log), telemetry),
  );
  measureLink(telemetry.registry, () => source.link);
  const flow = new FlowHealth(
    'redactor',
    `frames from playback at ${address(playback)}`,
    () => source.connected,
    () => source.link?.fault,
  );
  const metrics = {
    host: config.METRICS_HOST,
    port: config.METRICS_PORT,
    socket: config.METRICS_SOCKET,
    allowedHosts: config.ALLOWED_HOSTS,
    onTaken: onTaken(),
  };
  await serveTelemetry(metrics, telemetry.registry, new RedactorHealth(flow, inForce), signal);
  const events = reports(telemetry, flow, journal, log);
  const sink = await publish(output, signal, events);
  log.info(
    { from: address(playback), to: address(output), redactWidthPx: config.REDACT_WIDTH },
    `covering ${config.REDACT_WIDTH} pixels of every edge${config.MASK_FILE && ` and what ${config.MASK_FILE} says`}`,
  );

  await redact(source, sink, signal, inForce, events);
});
