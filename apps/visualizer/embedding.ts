import type { IncomingMessage, ServerResponse } from 'node:http';
import { type About, type Variable, variable } from '../common/env.ts';

const SITE =
  /^https?:\/\/(\*\.)?[a-z\d](?:[a-z\d.-]{0,251}[a-z\d])?(?::\d{1,5})?$|^https?:\/\/\[[\da-f:.]+\](?::\d{1,5})?$/;
/** The pages of a site that CSP may name without its address: our own. */
const SELF = 'self';

/** A site, as browsers name it: without path, user and the port that the scheme implies. Undefined if it is none. */
function siteOf(text: string): string | undefined {
  const lower = text.toLowerCase();
  // URL takes no wildcard.
  const address = lower.replace('://*.', '://');
  if (!SITE.test(lower) || !URL.canParse(address)) return undefined;
  const { origin } = new URL(address);
  return lower.includes('://*.') ? origin.replace('://', '://*.') : origin;
}

function sites(about: About<string[]>, words: readonly string[] = []): Variable<string[]> {
  return variable(input => {
    const given = input.split(/[\s,]+/).filter(Boolean);
    return given.map(each => {
      const site = words.includes(each.replaceAll("'", '').toLowerCase()) ? SELF : siteOf(each);
      if (site === undefined)
        throw new Error(
          `must be sites with their scheme and without a path, as in https://ops.example.org, https://*.example.org${words.map(word => `, ${word}`).join('')}; ${each} is none`,
        );
      return site;
    });
  }, about);
}

export const embeddingSchema = {
  FRAME_ANCESTORS: sites(
    {
      default: [],
      unset: 'none',
      example: 'https://ops.example.org',
      takes: 'sites with scheme; `https://*.example.org` for all below it; `self`',
      desc: 'sites that may show the page in a frame',
    },
    [SELF],
  ),
  ALLOWED_ORIGINS: sites({
    default: [],
    unset: 'none',
    example: 'https://ops.example.org',
    takes: 'sites with scheme; `https://*.example.org` for all below it',
    desc: 'sites whose pages may read the streams and pictures (CORS)',
  }),
};

/** What a page of another site may read of an answer besides the usual. */
const EXPOSED = 'X-Sequence, X-Timestamp, X-Valid-Time, X-Mask, X-Marking, Retry-After';
const PREFLIGHT_SECONDS = 600;

/** Decides what pages of other sites may do: nothing, unless they are listed. */
export class Embedding {
  readonly #origins: readonly string[];
  /** The directive `frame-ancestors` of a Content-Security-Policy. */
  readonly frameAncestors: string;

  constructor({
    FRAME_ANCESTORS,
    ALLOWED_ORIGINS,
  }: { FRAME_ANCESTORS: string[]; ALLOWED_ORIGINS: string[] }) {
    this.#origins = ALLOWED_ORIGINS;
    const ancestors = FRAME_ANCESTORS.map(site => (site === SELF ? "'self'" : site)).join(' ');
    this.frameAncestors = `frame-ancestors ${ancestors || "'none'"}`;
  }

  /** Sets the headers of an answer that depend on the site that asks. */
  dress({ headers }: IncomingMessage, response: ServerResponse): void {
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    if (this.#origins.length === 0) return;
    // A plain <img> sends no Origin, but its Referer, which a page can leave out and cannot make up.
    response.setHeader('Vary', 'Origin, Referer');
    const { origin } = headers;
    const asking = origin ?? originOf(headers.referer);
    if (!this.#allows(asking)) return;
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    if (origin === undefined) return;
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Allow-Credentials', 'true');
    response.setHeader('Access-Control-Expose-Headers', EXPOSED);
  }

  /**
   * Answers a browser that asks whether a page of a listed site may send a request. It sends no credentials with that, so
   * this comes before any login. Returns false if the request is another.
   */
  answersPreflight({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
    const asks = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
    if (!asks || headers.origin === undefined || !this.#allows(headers.origin)) return false;
    response
      .writeHead(204, {
        'Access-Control-Allow-Methods': 'GET, HEAD',
        'Access-Control-Allow-Headers': 'Authorization, Cache-Control, Last-Event-ID',
        'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
      })
      .end();
    return true;
  }

  #allows(origin: string | undefined): boolean {
    if (origin === undefined) return false;
    return this.#origins.some(site => {
      const [scheme = '', below] = site.split('*');
      if (below === undefined) return site === origin;
      if (!origin.startsWith(scheme) || !origin.endsWith(below)) return false;
      return /^[a-z\d.-]+$/.test(origin.slice(scheme.length, -below.length));
    });
  }
}

function originOf(referer: string | undefined): string | undefined {
  return referer !== undefined && URL.canParse(referer) ? new URL(referer).origin : undefined;
}
