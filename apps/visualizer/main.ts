import { subscribe } from '../common/bus.ts';
import { address } from '../common/endpoint.ts';
import { asError } from '../common/errors.ts';
import { listen } from '../common/http.ts';
import { runService } from '../common/lifecycle.ts';
import { ThrottledLog } from '../common/log.ts';
import { Broadcast } from './broadcast.ts';
import { schema } from './config.ts';
import { JpegEncoder } from './jpeg.ts';
import { LivePicture } from './live-picture.ts';
import { createHttpServer } from './server.ts';
import { Telemetry } from './telemetry.ts';
import { visualize } from './visualizer.ts';
import { tellViewers, watch } from './watch.ts';

/** A viewer that has taken nothing for so long is let go. */
const RELEASE_MS = 30_000;

await runService('visualizer', schema, async ({ config, log, signal }) => {
  const redactor = { host: config.REDACTOR_HOST, port: config.REDACTOR_PORT, variable: 'REDACTOR_PORT' };
  const web = { host: config.VISUALIZER_HOST, port: config.VISUALIZER_PORT, variable: 'VISUALIZER_PORT' };
  const peer = address(redactor);
  const warnings = new ThrottledLog(log);
  const telemetry = new Telemetry();
  const source = subscribe(redactor, signal);
  using broadcast = new Broadcast(config.MAX_VIEWERS, RELEASE_MS, telemetry);
  const createEncoder = () => {
    const encoder = new JpegEncoder(config.JPEG_QUALITY);
    return encoder.encode.bind(encoder);
  };
  const live = new LivePicture(peer, () => source.connected, broadcast, createEncoder, {
    changed({ state, message }) {
      log.info({ state }, message);
      void tellViewers(broadcast, live, telemetry);
    },
    encoded: ({ facts }, prompt) => telemetry.encoded(prompt ? facts.latencyMs : null),
    replaced: () => telemetry.dropped('encoder'),
    failed: error => warnings.warn('encode-failed', asError(error).message),
  });
  telemetry.observe(broadcast, live);

  const { port } = await listen(createHttpServer({ broadcast, live, telemetry, log }), web, signal);
  log.info({ from: peer, port }, `serving the picture at http://${config.VISUALIZER_HOST}:${port}`);
  watch(broadcast, live, telemetry, signal);
  const sink = {
    show(frame: Parameters<LivePicture['show']>[0]) {
      telemetry.received(frame);
      live.show(frame);
    },
  };
  await visualize(source, sink, signal, config.ALLOW_UNMARKED_FRAMES, {
    refused(reason, detail) {
      telemetry.refused(reason);
      live.health.refused(reason);
      warnings.warn(reason, `refused a message from ${peer}: ${reason} (${detail})`);
    },
  });
});
