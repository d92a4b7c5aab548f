import { isIP } from 'node:net';
import { Fault } from '../../common/errors.ts';
import { Link } from '../../common/link.ts';
import { measureLink } from '../../common/link-metrics.ts';
import { reportLink } from '../../common/link-report.ts';
import { type Marking, markingOf, readMarking, withheldFor } from '../marking.ts';
import type { Upstream, UpstreamParts } from '../upstream.ts';
import { Chain } from './chain.ts';
import { readCredentials } from './credential.ts';
import { Origin } from './origin.ts';
import { Relay } from './relay.ts';
import { RelaySource } from './relay-source.ts';

/** No picture that a visualizer encodes is as large. */
const LONGEST_PICTURE = 64 * 2 ** 20;
/** The start waits this long for the origin. */
const ASK_MS = 2000;

/**
 * Returns another visualizer as the source of pictures. It is asked for its marking first, unless the settings have one.
 *
 * @throws Fault `bad-configuration`
 */
export async function relayUpstream(parts: UpstreamParts): Promise<Upstream> {
  const { config, warnings, loop, signal } = parts;
  const { SOURCE_URL: url, SOURCE_CREDENTIAL_FILE, SOURCE_CA_FILE } = config;
  const credentials = () => readCredentials(SOURCE_CREDENTIAL_FILE, SOURCE_CA_FILE);
  await credentials();
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && SOURCE_CA_FILE !== '')
    throw new Fault(
      'bad-configuration',
      `SOURCE_CA_FILE is set, but SOURCE_URL=${url} is not https; correct one of them`,
    );
  if (protocol === 'http:' && SOURCE_CREDENTIAL_FILE !== '' && !isLoopback(hostname))
    warnings.warn('clear-credential', `the credential travels to ${url} unencrypted; use https`);

  const link = new Link(reportLink(`the visualizer at ${url}`, warnings, parts.telemetry));
  measureLink(parts.telemetry.registry, () => link.state());
  const chain = new Chain();
  const longestBytes = Math.min(parts.longestBytes, LONGEST_PICTURE);
  const origin = new Origin({ url, chain, credentials, longestBytes }, link);
  const set = markingOf(config);
  const marking = set ?? (await askForMarking(origin, signal));
  const source = new RelaySource(
    url,
    () => link.connected(),
    () => link.state(),
    marking ? undefined : withheldFor(config),
  );
  const allowUnmarked = config.ALLOW_UNMARKED_FRAMES;
  const isSet = set !== undefined;
  const relay = new Relay({ origin, source, chain, loop, allowUnmarked, warnings, marking, isSet }, signal);
  return { address: url, source, chain, relayed: relay, marking, run: feed => relay.run(feed) };
}

/** Returns the marking of an origin that is there; one that comes later ends this process, so that it takes it over. */
async function askForMarking(origin: Origin, signal: AbortSignal): Promise<Marking | undefined> {
  try {
    const answer = await origin.get('status', AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]));
    return answer && readMarking(JSON.parse(answer.body.toString()).marking);
  } catch {
    return undefined;
  }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
