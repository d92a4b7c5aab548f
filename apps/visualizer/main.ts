import { inheritedSockets } from '../common/inherited-sockets.ts';
import { runService } from '../common/lifecycle.ts';
import { longestMessage } from '../common/memory.ts';
import { ThrottledLog } from '../common/throttled-log.ts';
import { placesOf, schema } from './config.ts';
import { endpoints } from './endpoints.ts';
import { Feed } from './feed.ts';
import { framesHeld } from './frames-held.ts';
import { beat } from './heartbeat.ts';
import { Journal } from './journal.ts';
import { JpegEncoder } from './jpeg.ts';
import { markingOf } from './marking.ts';
import { relayUpstream } from './relay/relay-upstream.ts';
import { serve } from './serve.ts';
import { createHttpServer } from './server.ts';
import { Telemetry } from './telemetry.ts';
import { redactorUpstream } from './upstream.ts';
import { openWeb } from './web.ts';

/** What the visualizer holds besides frames and the loop. */
const OWN_BYTES = 150 * 2 ** 20;

await runService('visualizer', schema, async ({ config, log, signal, onTaken, onLeaving }) => {
  const { redactor, web } = await endpoints(config, onTaken());
  const warnings = new ThrottledLog(log);
  const telemetry = new Telemetry();
  const door = await openWeb(config, log, telemetry, signal);
  const loop = { maxBytes: config.LOOP_MB * 2 ** 20, maxFrames: config.LOOP_FRAMES };
  const longestBytes = longestMessage(OWN_BYTES + loop.maxBytes, undefined, framesHeld(config.JPEG_QUALITY));
  const parts = { config, warnings, telemetry, longestBytes, loop, signal };
  const upstream = config.SOURCE_URL ? await relayUpstream(parts) : redactorUpstream(redactor, parts);
  const journal = new Journal(log, warnings, upstream.address);
  const marking = markingOf(config) ?? upstream.marking;
  const options = {
    places: placesOf(config),
    loop,
    longestBytes,
    sector: config.CLIP_SECTOR,
    marking,
    jpegQuality: config.JPEG_QUALITY,
    createEncoder: () => new JpegEncoder(config.JPEG_QUALITY),
    chain: upstream.chain,
    relayed: upstream.relayed,
  };
  using feed = new Feed(upstream.source, telemetry, options, journal);

  const sockets = inheritedSockets(process.env, process.pid);
  await serve(createHttpServer({ feed, telemetry, log, warnings, marking, ...door }), web, sockets, signal);
  const scheme = door.createSecure ? 'https' : 'http';
  const at = `${scheme}://${config.VISUALIZER_HOST}:${web.port}`;
  const held = sockets.length > 0 ? { sockets: sockets.length } : {};
  log.info({ from: upstream.address, port: web.port, ...held }, `serving the picture at ${at}`);
  beat(feed, signal);
  const drainMs = 1000 * config.DRAIN_SECONDS;
  if (drainMs > 0) onLeaving(() => feed.drain(drainMs), drainMs);
  await upstream.run(feed, journal);
});
