import { subscribe } from '../common/bus.ts';
import { address } from '../common/endpoint.ts';
import { inheritedSockets } from '../common/inherited-sockets.ts';
import { runService } from '../common/lifecycle.ts';
import { reportLink } from '../common/link-report.ts';
import { longestMessage } from '../common/memory.ts';
import { ThrottledLog } from '../common/throttled-log.ts';
import { placesOf, schema } from './config.ts';
import { endpoints } from './endpoints.ts';
import { Feed } from './feed.ts';
import { beat } from './heartbeat.ts';
import { Journal } from './journal.ts';
import { JpegEncoder } from './jpeg.ts';
import { markingOf, withheldFor } from './marking.ts';
import { serve } from './serve.ts';
import { createHttpServer } from './server.ts';
import { Source } from './source.ts';
import { Telemetry } from './telemetry.ts';
import { visualize } from './visualizer.ts';
import { openWeb } from './web.ts';

/** A viewer that takes nothing for this long is disconnected. */
const RELEASE_MS = 30_000;

/** What the visualizer holds besides frames and the loop. */
const OWN_BYTES = 150 * 2 ** 20;

await runService('visualizer', schema, async ({ config, log, signal, onTaken }) => {
  const { redactor, web } = await endpoints(config, onTaken());
  const peer = address(redactor);
  const warnings = new ThrottledLog(log);
  const door = await openWeb(config, log, signal);
  const journal = new Journal(log, warnings, peer);
  const telemetry = new Telemetry();
  const loopBytes = config.LOOP_MB * 2 ** 20;
  const report = reportLink(`the redactor at ${peer}`, warnings, telemetry);
  const frames = subscribe(redactor, signal, longestMessage(OWN_BYTES + loopBytes), report);
  const source = new Source(
    peer,
    () => frames.connected,
    () => frames.link,
    withheldFor(config),
  );
  const marking = markingOf(config);
  const options = {
    places: placesOf(config),
    releaseMs: RELEASE_MS,
    loop: { maxBytes: loopBytes, maxFrames: config.LOOP_FRAMES },
    sector: config.CLIP_SECTOR,
    marking,
    jpegQuality: config.JPEG_QUALITY,
    createEncoder: () => new JpegEncoder(config.JPEG_QUALITY),
  };
  using feed = new Feed(source, telemetry, options, journal);

  const sockets = inheritedSockets(process.env, process.pid);
  await serve(createHttpServer({ feed, telemetry, log, marking, ...door }), web, sockets, signal);
  const scheme = door.createSecure ? 'https' : 'http';
  const at = `${scheme}://${config.VISUALIZER_HOST}:${web.port}`;
  const held = sockets.length > 0 ? { sockets: sockets.length } : {};
  log.info({ from: peer, port: web.port, ...held }, `serving the picture at ${at}`);
  beat(feed, signal);
  const viewer = {
    take: feed.take.bind(feed),
    refuse(reason: Parameters<Feed['refuse']>[0], detail: string) {
      feed.refuse(reason, detail);
      journal.refused(reason, detail);
    },
  };
  await visualize(frames, viewer, signal, config.ALLOW_UNMARKED_FRAMES);
});
