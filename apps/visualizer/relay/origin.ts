import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { asError, Fault } from '../../common/errors.ts';
import type { Link } from '../../common/link.ts';
import { VERSION } from '../../common/metrics.ts';
import { CHAIN_HEADER, type Chain, parseChain } from './chain.ts';
import type { Credentials } from './credential.ts';
import { BadStream, type Part, PartReader } from './multipart.ts';

/** Within this time an origin must answer; a stream that is silent for as long is opened anew. */
const SILENT_MS = 3000;
const RETRY_MS = { first: 100, last: 2000, refused: 5000, longest: 10_000 };
const HEADER_BYTES = 16 * 1024;
const PARTS = { headerBytes: 4096, burst: 1000, perSecond: 250 };
/** Of answers that are no picture. */
const MOST_BYTES: Record<string, number> = { loop: 16 * 2 ** 20, status: 2 ** 20 };

export interface OriginOptions {
  url: string;
  chain: Chain;
  credentials(): Promise<Credentials>;
  /** Longer pictures are refused. */
  longestBytes: number;
}

export interface OriginEvents {
  /** A new connection stands. */
  opened(): void;
  part(part: Part): void;
  /** The origin watches us. */
  ring(): void;
}

/** How a connection has ended. */
interface Ending {
  /** In words that go after the origin's address; none if it ended as any connection may. */
  fault?: string;
  /** The origin asks to be left alone for this long. */
  waitMs?: number;
  ring?: boolean;
}

/** Why the origin does not answer with what was asked for. */
class Refused extends Error {
  readonly ending: Ending;
  constructor(ending: Ending) {
    super(ending.fault ?? 'the answer ended');
    this.ending = ending;
  }
}

/** Another visualizer, as a client: its stream, and single pictures of its history. Redirections are not followed. */
export class Origin {
  readonly #options: OriginOptions;
  readonly #link: Link;
  /** Kept between requests for pictures, never for the stream. */
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true }),
    'https:': new HttpsAgent({ keepAlive: true }),
  };

  constructor(options: OriginOptions, link: Link) {
    this.#options = options;
    this.#link = link;
  }

  /**
   * Reads the stream, again and again, until `signal` is aborted. `part` may throw `BadStream` to have it opened anew.
   */
  async watch(events: OriginEvents, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      let any = false;
      const opened = () => {
        this.#link.handshaken();
        events.opened();
      };
      const onPart = (part: Part) => {
        events.part(part);
        any = true;
      };
      const ending = await this.#readStream(opened, onPart, signal);
      if (signal.aborted) return;
      this.#link.tried();
      if (ending.fault !== undefined) this.#link.found(ending.fault);
      if (ending.ring) events.ring();
      failures = any ? 0 : failures + 1;
      const backOffMs = Math.min(RETRY_MS.first * 2 ** failures, RETRY_MS.last);
      const waitMs = Math.min(Math.max(backOffMs, ending.waitMs ?? 0), RETRY_MS.longest);
      // Spread by a quarter either way, so that the relays of an origin that restarts do not come all at once.
      await sleep(waitMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  }

  /** Returns the body of an answer and its headers; undefined if the origin has no such thing. */
  async get(
    path: string,
    signal: AbortSignal,
  ): Promise<{ headers: Map<string, string>; body: Buffer } | undefined> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(2 * SILENT_MS)]);
    const answer = await this.#request(path, this.#agents, limit);
    if (answer.statusCode !== 200 || isCompressed(answer)) {
      answer.resume();
      return undefined;
    }
    const most = MOST_BYTES[path] ?? this.#options.longestBytes;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > most) throw new BadStream(`an answer of more than ${most} bytes`);
      chunks.push(chunk);
    }
    const headers = new Map(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
    return { headers, body: Buffer.concat(chunks) };
  }

  async #readStream(opened: () => void, onPart: (part: Part) => void, signal: AbortSignal): Promise<Ending> {
    const closing = new AbortController();
    let quiet: NodeJS.Timeout | undefined;
    try {
      const giveUp = () => closing.abort(new Refused({ fault: 'it does not answer, or has fallen silent' }));
      quiet = setTimeout(giveUp, SILENT_MS);
      const answer = await this.#request('stream.mjpg', undefined, AbortSignal.any([signal, closing.signal]));
      const reader = new PartReader(
        this.#boundaryOf(answer),
        { ...PARTS, bodyBytes: this.#options.longestBytes },
        onPart,
      );
      opened();
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        quiet.refresh();
        reader.push(chunk);
      }
      return {};
    } catch (thrown) {
      return endingOf(closing.signal.aborted ? closing.signal.reason : thrown);
    } finally {
      clearTimeout(quiet);
    }
  }

  /** Returns the boundary of the stream's parts. @throws Refused if the answer is none that a relay reads */
  #boundaryOf(answer: IncomingMessage): string {
    const { statusCode = 0, headers } = answer;
    if (statusCode !== 200) {
      answer.destroy();
      throw new Refused(refusalOf(answer));
    }
    if (isCompressed(answer)) {
      answer.destroy();
      const fault = 'a proxy compresses the stream; have it pass the stream on as it is';
      throw new Refused({ fault, waitMs: RETRY_MS.last });
    }
    const [, boundary] =
      /^multipart\/x-mixed-replace; *boundary="?([\w'()+,./:=?-]{1,70})"?$/i.exec(
        headers['content-type'] ?? '',
      ) ?? [];
    const ids = parseChain(headers[CHAIN_HEADER.toLowerCase()]);
    if (boundary === undefined || !ids) {
      answer.destroy();
      const fault = `it is no visualizer that can be relayed, or a proxy removes the header ${CHAIN_HEADER}`;
      throw new Refused({ fault, waitMs: RETRY_MS.last });
    }
    if (this.#options.chain.leadsHere(ids)) {
      answer.destroy();
      throw new Refused({ ring: true, waitMs: RETRY_MS.last });
    }
    return boundary;
  }

  async #request(path: string, agents: Agents | undefined, signal: AbortSignal): Promise<IncomingMessage> {
    const { url, chain } = this.#options;
    const { authorization, ca } = await this.#options.credentials();
    const target = new URL(path, url);
    const isHttps = target.protocol === 'https:';
    const headers = {
      'User-Agent': `noaa-relay/${VERSION}`,
      // Its own viewers agree to its own text.
      'X-Consent': 'yes',
      ...(path === 'stream.mjpg' && { [CHAIN_HEADER]: chain.own }),
      ...(authorization !== undefined && { Authorization: authorization }),
    };
    const options = {
      headers,
      signal,
      maxHeaderSize: HEADER_BYTES,
      agent: agents?.[isHttps ? 'https:' : 'http:'] ?? (false as const),
      ...(isHttps && ca !== undefined && { ca }),
    };
    return await new Promise((resolve, reject) => {
      const request = (isHttps ? requestHttps : requestHttp)(target, options, resolve);
      request.once('error', reject);
      request.end();
    });
  }
}

/** Nothing asks for that: a visualizer compresses no picture. */
const isCompressed = ({ headers }: IncomingMessage): boolean =>
  (headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity';

type Agents = { 'http:': HttpAgent; 'https:': HttpsAgent };

function endingOf(thrown: unknown): Ending {
  if (thrown instanceof Refused) return thrown.ending;
  if (thrown instanceof BadStream)
    return { fault: `what it sends is not a visualizer's stream: ${thrown.message}` };
  if (thrown instanceof Fault) return { fault: thrown.message, waitMs: RETRY_MS.last };
  const { code = '', message } = asError(thrown);
  const certificate = /CERT|ALTNAME|SIGNATURE|ISSUER/.test(code) ? certificateFault(code) : undefined;
  const noHttp = code.startsWith('HPE_') ? NO_HTTP : undefined;
  // OpenSSL's own words are a line of addresses and files.
  const noTls = /wrong version number/.test(message) ? NO_TLS : undefined;
  return { fault: FAULTS[code] ?? certificate ?? noHttp ?? noTls ?? message };
}

const NO_TLS =
  'a server that does not speak TLS is there; correct SOURCE_URL, e.g. http:// instead of https://';
const NO_HTTP = 'a server that does not speak HTTP is there; correct SOURCE_URL';

const FAULTS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it has cut the connection',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  HPE_HEADER_OVERFLOW: 'the headers of its answer are longer than 16 kB, as no visualizer sends them',
  EHOSTUNREACH: 'there is no way to it',
};

const certificateFault = (code: string): string =>
  `its certificate is not accepted (${code}); set SOURCE_CA_FILE to the certificate that signed it`;

function refusalOf({ statusCode = 0, headers }: IncomingMessage): Ending {
  if (statusCode === 508) return { ring: true, waitMs: RETRY_MS.last };
  const retryAfterMs = /^\d{1,4}$/.test(headers['retry-after'] ?? '')
    ? Number(headers['retry-after']) * 1000
    : 0;
  const known: Record<number, string> = {
    401: 'it asks for a credential, or refuses the one in SOURCE_CREDENTIAL_FILE',
    403: 'it refuses the credential in SOURCE_CREDENTIAL_FILE',
    421: 'it does not know itself by that name; add the name to its ALLOWED_HOSTS',
    429: 'it has had too many wrong passwords; correct the one in SOURCE_CREDENTIAL_FILE',
    503: 'all its places are taken, or it is about to end',
  };
  if (statusCode === 404)
    return { fault: 'it has no such stream; correct SOURCE_URL', waitMs: RETRY_MS.last };
  if (statusCode >= 300 && statusCode < 400)
    return {
      fault: 'it redirects elsewhere, which is not followed; correct SOURCE_URL',
      waitMs: RETRY_MS.refused,
    };
  return {
    fault: known[statusCode] ?? `it answers ${statusCode}`,
    waitMs: statusCode === 503 ? Math.min(retryAfterMs, RETRY_MS.last) : RETRY_MS.refused,
  };
}
