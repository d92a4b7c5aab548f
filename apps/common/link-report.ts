import { FLAPPING, type LinkEvents } from './link.ts';
import type { ThrottledLog } from './throttled-log.ts';

/** Returns events that log and count what happens to the link to a peer, e.g. "playback at tcp://localhost:5555". */
export function reportLink(
  peer: string,
  warnings: Pick<ThrottledLog, 'warn'>,
  telemetry: { reconnected(): void },
): LinkEvents {
  return {
    reconnected: () => telemetry.reconnected(),
    flapping: losses =>
      warnings.warn(
        'link-flapping',
        `the link to ${peer} was lost ${losses} times within a minute; look for what restarts or cuts it`,
        undefined,
        FLAPPING.withinMs,
      ),
    unreachable: fault => warnings.warn('link-down', `no link to ${peer}: ${fault}; trying again`),
  };
}
