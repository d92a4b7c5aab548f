import type { PublisherEvents } from '../common/bus.ts';
import type { FlowHealth } from '../common/health.ts';
import type { Logger } from '../common/log.ts';
import type { Journal } from './journal.ts';
import type { RedactorEvents } from './redactor.ts';
import type { Telemetry } from './telemetry.ts';

/** Returns what counts, logs and judges what the loop reports. */
export function reports(
  telemetry: Telemetry,
  flow: FlowHealth,
  journal: Journal,
  log: Logger,
): RedactorEvents & PublisherEvents {
  return {
    published(frame, coverMs) {
      telemetry.published(frame, coverMs);
      const { width, height, format } = frame;
      if (flow.flowed()) log.info({ width, height, format }, 'frames flow');
    },
    withheld(why, frame) {
      telemetry.withheld(why, frame);
      flow.refused(`${why.reason}, ${why.detail}`);
      journal.withheld(why);
    },
    layoutChanged: (layout, before) => journal.layoutChanged(layout, before),
    warned: warning => journal.warned(warning),
    covers: share => telemetry.covers(share),
    refused(why) {
      telemetry.refusedSubscriber();
      journal.refusedSubscriber(why);
    },
  };
}
