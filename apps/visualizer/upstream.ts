import { subscribe } from '../common/bus.ts';
import { address, type Endpoint } from '../common/endpoint.ts';
import type { ConfigOf } from '../common/env.ts';
import { measureLink } from '../common/link-metrics.ts';
import { reportLink } from '../common/link-report.ts';
import type { ThrottledLog } from '../common/throttled-log.ts';
import type { schema } from './config.ts';
import type { Feed, Relayed } from './feed.ts';
import type { Journal } from './journal.ts';
import type { LoopLimits } from './loop.ts';
import { type Marking, withheldFor } from './marking.ts';
import { Chain } from './relay/chain.ts';
import { Source } from './source.ts';
import type { Telemetry } from './telemetry.ts';
import { visualize } from './visualizer.ts';

/** Where pictures come from: a redactor, or another visualizer. */
export interface Upstream {
  /** For people. */
  address: string;
  source: Source;
  chain: Chain;
  relayed?: Relayed;
  /** What the other visualizer writes on its picture. */
  marking?: Marking | undefined;
  /** Feeds the viewers until the signal is aborted that owns it. */
  run(feed: Feed, journal: Journal): Promise<void>;
}

/** What every kind of upstream needs. */
export interface UpstreamParts {
  config: ConfigOf<typeof schema>;
  warnings: ThrottledLog;
  telemetry: Telemetry;
  longestBytes: number;
  loop: LoopLimits;
  signal: AbortSignal;
}

/** Returns the redactor as the source of frames. */
export function redactorUpstream(redactor: Endpoint, parts: UpstreamParts): Upstream {
  const peer = address(redactor);
  const { signal } = parts;
  const report = reportLink(`the redactor at ${peer}`, parts.warnings, parts.telemetry);
  const frames = subscribe(redactor, signal, parts.longestBytes, report);
  measureLink(parts.telemetry.registry, () => frames.link);
  const source = new Source(
    peer,
    () => frames.connected,
    () => frames.link,
    withheldFor(parts.config),
  );
  return {
    address: peer,
    source,
    chain: new Chain(),
    async run(feed, journal) {
      const viewer = {
        take: feed.take.bind(feed),
        refuse(reason: Parameters<Feed['refuse']>[0], detail: string) {
          feed.refuse(reason, detail);
          journal.refused(reason, detail);
        },
      };
      await visualize(frames, viewer, signal, parts.config.ALLOW_UNMARKED_FRAMES);
    },
  };
}
