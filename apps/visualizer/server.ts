import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import Router, { type RouterContext } from '@koa/router';
import Koa from 'koa';
import serveStatic from 'koa-static';
import { asError } from '../common/errors.ts';
import type { Verdict } from '../common/health.ts';
import { createBoundedServer, holds, type WebServer } from '../common/http.ts';
import type { Logger } from '../common/log.ts';
import type { ThrottledLog } from '../common/throttled-log.ts';
import { METRICS_REALM } from './access/guard.ts';
import { toTls } from './access/to-tls.ts';
import type { Who } from './access/who.ts';
import { STREAM_HEADERS, type StreamKind } from './broadcast.ts';
import { compressed } from './compressed.ts';
import type { Feed } from './feed.ts';
import { markedPages } from './marked-page.ts';
import { type Marking, markingHeader } from './marking.ts';
import { markingHeaders } from './picture.ts';
import type { NoPlace } from './places.ts';
import { CHAIN_HEADER, parseChain } from './relay/chain.ts';
import type { Telemetry } from './telemetry.ts';
import type { Web } from './web.ts';

const PAGE = fileURLToPath(new URL('./page/public', import.meta.url));
const RETRY_AFTER_S = 5;
/** Connections beyond the viewers': the page's own files, scrapes, health checks. */
const SPARE_CONNECTIONS = 256;

/** The page draws pictures from memory (blob:) and loads nothing from elsewhere. */
const securityHeaders = (frameAncestors: string) => ({
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
    `base-uri 'none'; form-action 'none'; ${frameAncestors}`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
});

export interface Served extends Web {
  feed: Feed;
  telemetry: Telemetry;
  log: Logger;
  warnings: ThrottledLog;
  /** What must be written on the picture wherever it is shown. */
  marking?: Marking | undefined;
}

/** Returns a server for all paths; the caller listens. */
export function createHttpServer(served: Served): WebServer {
  const app = new Koa();
  // For example, a client that leaves in the middle of a file. Koa itself would print the stack.
  app.on('error', (error: Error) => served.log.debug({ err: error }, 'a request failed'));
  const router = routes(served);
  const headers = securityHeaders(served.embedding.frameAncestors);
  const marked = markingHeaders(served.marking && markingHeader(served.marking));
  app
    .use(async (context, next) => {
      context.set(headers);
      try {
        await next();
      } catch (thrown) {
        // Koa's own way to answer an error removes every header.
        answerError(context, thrown, served);
      }
      // Of a stream Koa knows no length.
      holds(context.res, context.length ?? 0);
    })
    .use(router.routes())
    .use(router.allowedMethods())
    .use(compressed)
    .use(markedPages(served.marking))
    .use(serveStatic(PAGE));
  const { feed, guard, check, embedding, createSecure } = served;
  const handle = app.callback();
  const limits = {
    connections: feed.maxViewers + SPARE_CONNECTIONS,
    takesBody: guard.takesBody,
    dress(request: IncomingMessage, response: ServerResponse) {
      embedding.dress(request, response);
      for (const [name, value] of Object.entries(marked)) response.setHeader(name, value);
      // The next request of this client is for another process.
      if (feed.draining && request.httpVersionMajor < 2) response.setHeader('Connection', 'close');
    },
  };
  const guarded = guard.before((request, response) => void handle(request, response));
  const asked: RequestListener = (request, response) => {
    if (!embedding.answersPreflight(request, response)) guarded(request, response);
  };
  return createBoundedServer(createSecure ? toTls(asked) : asked, limits, check, createSecure);
}

function answerError(context: Koa.Context, thrown: unknown, { log, warnings }: Served): void {
  const { status = 500 } = thrown as { status?: number };
  log.debug({ err: asError(thrown) }, 'a request failed');
  if (status >= 500)
    warnings.warn('request-failed', `a request could not be answered: ${asError(thrown).message}`);
  context.status = status;
  context.body = status < 500 ? 'This is not a path here\n' : 'This failed here; the log says why\n';
}

function routes({ feed, telemetry, guard, stillSeconds }: Served): Router {
  const metrics = telemetry.registry;
  const router = new Router();
  const stream = (asked: StreamKind) => async (context: RouterContext) => {
    const visitor = asked === 'mjpeg' ? visitingRelay(context, feed) : undefined;
    if (visitor === 'ourselves') return;
    const kind = visitor ?? asked;
    const who = guard.whoOf(context.req);
    const maxFps = admit(context, kind, feed, telemetry, who);
    if (maxFps === undefined) return;
    context.respond = false;
    await feed.join({ kind, request: context.req, response: context.res, maxFps, who });
  };

  router.get('/stream', stream('sse'));
  router.get('/stream.mjpg', stream('mjpeg'));

  router.get('/snapshot.jpg', async context => {
    const picture = await feed.still();
    // The card too, or all ask here at once while there is no picture.
    context.set('Cache-Control', sharedFor(stillSeconds));
    context.type = 'image/jpeg';
    if (picture) {
      context.set(picture.headers);
      if (shownMarked(context)) context.body = picture.file;
      else
        answerMarked(context, await feed.marked(picture.jpeg, picture.facts), jpeg => picture.fileOf(jpeg));
    } else {
      // A person sees the card; a program sees that it is no picture.
      context.status = 503;
      context.set('Retry-After', String(RETRY_AFTER_S));
      const card = feed.card();
      if (!card) context.type = 'text';
      context.body = card?.jpeg ?? `${feed.source.view().message}\n`;
    }
  });

  router.get('/loop', context => {
    context.set('Cache-Control', 'no-store');
    context.body = feed.loop();
  });

  router.get('/loop/:name', async context => {
    const [, id = ''] = /^(\w+)\.jpg$/.exec(context.params['name'] ?? '') ?? [];
    const picture = await feed.loopPicture(id);
    if (!picture) {
      context.set('Cache-Control', 'no-store');
      context.status = 404;
      context.body = 'This picture is not in the loop, or no longer; /loop lists those that are\n';
      return;
    }
    const whose = guard.required ? 'private' : 'public';
    context.set('Cache-Control', `${whose}, max-age=31536000, immutable`);
    context.set(picture.headers);
    context.type = 'image/jpeg';
    if (shownMarked(context)) context.body = picture.jpeg;
    else answerMarked(context, await feed.marked(picture.jpeg, picture.facts));
  });

  router.get('/status', async context => {
    context.set('Cache-Control', 'no-store');
    context.body = { ...(await feed.status()), client: { address: guard.whoOf(context.req).address } };
  });
  router.get('/metrics', async context => {
    const refusal = guard.metricsRefusal(context.req);
    if (refusal !== undefined) {
      context.set({ 'Cache-Control': 'no-store', ...METRICS_REALM });
      context.status = 401;
      context.body = refusal;
      return;
    }
    context.set('Content-Type', metrics.contentType);
    context.body = await metrics.metrics();
  });
  router.get('/livez', context => answer(context, feed.source.alive()));
  router.get(['/readyz', '/healthz'], context => answer(context, feed.ready()));
  return router;
}

/** Browsers ask each time. A shared cache may show the last still while it asks for the next one, for a second at most. */
const sharedFor = (seconds: number): string =>
  seconds > 0 ? `public, max-age=0, s-maxage=${seconds}, stale-while-revalidate=1` : 'no-store';

/** Whether who asks for a still shows the marking beside it, as the page does. */
const shownMarked = ({ query }: RouterContext): boolean => query['marking'] === '0';

function answerMarked(
  context: RouterContext,
  jpeg: Buffer | undefined,
  finish: (jpeg: Buffer) => Buffer = made => made,
): void {
  if (jpeg) {
    context.body = finish(jpeg);
    return;
  }
  context.set('Cache-Control', 'no-store');
  context.set('Retry-After', String(RETRY_AFTER_S));
  context.status = 503;
  context.type = 'text';
  context.body = 'Too many stills are asked for at once; try again later\n';
}

/**
 * Returns `relay` if another visualizer asks, whose answer names those that the picture comes through; and answers the
 * request if that one is this process.
 */
function visitingRelay(context: RouterContext, { chain }: Feed): 'relay' | 'ourselves' | undefined {
  const ids = parseChain(context.get(CHAIN_HEADER));
  if (!ids) return undefined;
  // The stream's own headers are written past Koa.
  context.res.setHeader(CHAIN_HEADER, chain.ids.join(', '));
  if (!ids.includes(chain.own)) return 'relay';
  context.status = 508;
  context.body = 'This is the visualizer that asks: it would watch itself\n';
  return 'ourselves';
}

function answer(context: RouterContext, { ok, message }: Verdict): void {
  context.set('Cache-Control', 'no-store');
  context.status = ok ? 200 : 503;
  context.body = `${message}\n`;
}

/**
 * Checks a request for a stream. Returns the rate that its viewer asks for, Infinity if none, or undefined if the request
 * has been answered already.
 */
function admit(
  context: RouterContext,
  kind: StreamKind,
  feed: Feed,
  telemetry: Telemetry,
  who: Who,
): number | undefined {
  context.set('Cache-Control', 'no-store');
  const asked = context.query['fps'];
  const maxFps = asked === undefined ? Number.POSITIVE_INFINITY : Number(asked);
  if (Number.isNaN(maxFps) || maxFps < 0.01) {
    context.status = 400;
    context.body = `fps=${asked} is not a rate; ask for frames a second, 0.01 or more, as in ?fps=5\n`;
    return undefined;
  }
  if (feed.draining) {
    context.status = 503;
    context.set('Retry-After', '1');
    context.body = 'This visualizer is about to end; ask again, and another one answers\n';
    return undefined;
  }
  const noPlace = feed.noPlaceFor(who);
  if (noPlace) {
    telemetry.rejected(noPlace);
    context.status = 503;
    context.set('Retry-After', String(RETRY_AFTER_S));
    context.body = `${noPlaceSentence(noPlace, feed)}; try again later\n`;
    return undefined;
  }
  if (context.method === 'HEAD') {
    context.status = 200;
    context.set(STREAM_HEADERS[kind]);
    return undefined;
  }
  return maxFps;
}

function noPlaceSentence(noPlace: NoPlace, { maxViewers }: Feed): string {
  const sentences: Record<NoPlace, string> = {
    full: `${maxViewers} viewers are watching, which is as many as MAX_VIEWERS allows`,
    address: 'As many viewers of this address are watching as VIEWERS_PER_ADDRESS allows',
    user: 'As many viewers of this user are watching as VIEWERS_PER_USER allows',
  };
  return sentences[noPlace];
}
