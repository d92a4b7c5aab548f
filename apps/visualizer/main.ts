import { address, subscribe } from '../common/bus.ts';
import { asError } from '../common/errors.ts';
import { runService } from '../common/lifecycle.ts';
import { ThrottledLog } from '../common/log.ts';
import { listen } from '../common/metrics.ts';
import { SequenceGaps } from '../common/sequence.ts';
import { Broadcast } from './broadcast.ts';
import { schema } from './config.ts';
import { JpegEncoder } from './jpeg.ts';
import { LivePicture } from './live-picture.ts';
import { createHttpServer } from './server.ts';
import { Telemetry } from './telemetry.ts';
import { visualize } from './visualizer.ts';

/** A change of state is told this soon, the whole status once a second. */
const WATCH_MS = 250;
const STATUS_MS = 1000;
/** A viewer that has taken nothing for so long is let go. */
const RELEASE_MS = 30_000;

await runService('visualizer', schema, async ({ config, log, signal }) => {
  const redactor = { host: config.REDACTOR_HOST, port: config.REDACTOR_PORT, variable: 'REDACTOR_PORT' };
  const web = { host: config.VISUALIZER_HOST, port: config.VISUALIZER_PORT, variable: 'VISUALIZER_PORT' };
  const peer = address(redactor);
  const warnings = new ThrottledLog(log);
  const gaps = new SequenceGaps();
  const telemetry = new Telemetry();
  const broadcast = new Broadcast(config.MAX_VIEWERS, RELEASE_MS, {
    skipped: () => telemetry.dropped('viewer'),
    released: () => telemetry.released(),
  });
  const source = subscribe(redactor, signal);
  const createEncoder = () => {
    const encoder = new JpegEncoder(config.JPEG_QUALITY);
    return encoder.encode.bind(encoder);
  };
  const live = new LivePicture(peer, () => source.connected, broadcast, createEncoder, {
    changed({ state, message }) {
      log.info({ state }, message);
      void tellStatus();
    },
    encoded: ({ facts }) => telemetry.encoded(facts.latencyMs),
    replaced: () => telemetry.dropped('encoder'),
    failed: error => warnings.warn('encode-failed', asError(error).message),
  });
  telemetry.watch(broadcast, live);
  const status = () =>
    telemetry.status(broadcast, live, { address: peer, connected: source.connected }, config.MAX_VIEWERS);
  const tellStatus = async () => {
    broadcast.releaseBlocked();
    broadcast.tell(await status());
    if (live.view().state !== 'live') broadcast.show(live.card(), 'mjpeg');
  };

  const server = createHttpServer({
    broadcast,
    live,
    metrics: telemetry.registry,
    health: live.health,
    maxViewers: config.MAX_VIEWERS,
    log,
    status,
    rejected: () => telemetry.rejected(),
  });
  const { port } = await listen(server, web, signal);
  log.info({ from: peer, port }, `serving the picture at http://${config.VISUALIZER_HOST}:${port}`);
  const timers = [
    setInterval(() => live.refresh(), WATCH_MS),
    setInterval(() => void telemetry.markSecond().then(tellStatus), STATUS_MS),
  ];

  try {
    await visualize(source, { show }, signal, config.ALLOW_UNMARKED_FRAMES, {
      refused(reason, detail) {
        telemetry.refused(reason);
        live.health.refused(reason);
        warnings.warn(reason, `refused a message from ${peer}: ${reason} (${detail})`);
      },
    });
  } finally {
    for (const timer of timers) clearInterval(timer);
    broadcast.close();
  }

  function show(frame: Parameters<LivePicture['show']>[0]): void {
    telemetry.received();
    if (frame.stamp) telemetry.dropped('upstream', gaps.missedBefore(frame.stamp.sequence));
    live.show(frame);
  }
});
