import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import Router, { type RouterContext } from '@koa/router';
import Koa from 'koa';
import serveStatic from 'koa-static';
import type { Verdict } from '../common/health.ts';
import { createBoundedServer } from '../common/http.ts';
import type { Logger } from '../common/log.ts';
import type { Broadcast } from './broadcast.ts';
import type { LivePicture } from './live-picture.ts';
import type { Telemetry } from './telemetry.ts';

const PAGE = fileURLToPath(new URL('./page/public', import.meta.url));
const RETRY_AFTER_S = 5;
/** Connections beyond the viewers': the page's own files, scrapes, health checks. */
const SPARE_CONNECTIONS = 256;

/** The page draws pictures out of memory (blob:) and loads nothing from elsewhere; nobody may frame it. */
const SECURITY_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

export interface Surface {
  broadcast: Broadcast;
  live: LivePicture;
  telemetry: Telemetry;
  log: Logger;
}

/** Everything that is served over HTTP; the caller listens. */
export function createHttpServer(surface: Surface): Server {
  const app = new Koa();
  app.on('error', (error: Error) => surface.log.debug({ err: error }, 'a request failed'));
  const router = routes(surface);
  app
    .use(async (context, next) => {
      context.set(SECURITY_HEADERS);
      await next();
    })
    .use(router.routes())
    .use(router.allowedMethods())
    .use(serveStatic(PAGE));
  const handle = app.callback();
  return createBoundedServer((request, response) => void handle(request, response), {
    connections: surface.broadcast.max + SPARE_CONNECTIONS,
  });
}

function routes(surface: Surface): Router {
  const { broadcast, live, telemetry } = surface;
  const { health } = live;
  const metrics = telemetry.registry;
  const router = new Router();

  router.get('/stream', async context => {
    const maxFps = admit(context, surface);
    if (maxFps === undefined) return;
    context.respond = false;
    broadcast.addSse(context.req, context.res, maxFps, live.newest());
    broadcast.tell(await telemetry.status(), context.res);
  });

  router.get('/stream.mjpg', context => {
    const maxFps = admit(context, surface);
    if (maxFps === undefined) return;
    context.respond = false;
    const first = live.view().state === 'live' ? live.newest() : live.card();
    broadcast.addMjpeg(context.req, context.res, maxFps, first);
  });

  router.get('/snapshot.jpg', async context => {
    const picture = await live.still();
    context.set('Cache-Control', 'no-store');
    context.type = 'image/jpeg';
    if (picture) {
      context.set('X-Sequence', String(picture.facts.seq));
      context.set('X-Timestamp', (picture.facts.publishedAt / 1000).toFixed(6));
      context.body = picture.jpeg;
    } else {
      // A person sees the card; a program sees that it is no picture.
      context.status = 503;
      context.set('Retry-After', String(RETRY_AFTER_S));
      context.body = live.card().jpeg;
    }
  });

  router.get('/status', async context => {
    context.set('Cache-Control', 'no-store');
    context.body = await telemetry.status();
  });
  router.get('/metrics', async context => {
    context.set('Content-Type', metrics.contentType);
    context.body = await metrics.metrics();
  });
  router.get('/livez', context => tell(context, health.alive()));
  router.get(['/readyz', '/healthz'], context => tell(context, health.ready()));
  return router;
}

function tell(context: RouterContext, { ok, message }: Verdict): void {
  context.set('Cache-Control', 'no-store');
  context.status = ok ? 200 : 503;
  context.body = `${message}\n`;
}

/**
 * Checks a request for a stream. Answers the rate its viewer asks for, Infinity without one; undefined if the request
 * has been answered already.
 */
function admit(context: RouterContext, { broadcast, telemetry }: Surface): number | undefined {
  context.set('Cache-Control', 'no-store');
  const asked = context.query['fps'];
  const maxFps = asked === undefined ? Number.POSITIVE_INFINITY : Number(asked);
  if (Number.isNaN(maxFps) || maxFps < 0.01) {
    context.status = 400;
    context.body = `fps=${asked} is not a rate; ask for frames a second, 0.01 or more, as in ?fps=5\n`;
    return undefined;
  }
  if (broadcast.full) {
    telemetry.rejected();
    context.status = 503;
    context.set('Retry-After', String(RETRY_AFTER_S));
    context.body = `${broadcast.max} viewers are watching, which is as many as MAX_VIEWERS allows; try again later\n`;
    return undefined;
  }
  if (context.method === 'HEAD') {
    context.status = 200;
    return undefined;
  }
  return maxFps;
}
