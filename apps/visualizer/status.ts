import type { FlowHealth } from '../common/health.ts';
import type { SourceState } from './messages.ts';

/** For the card, a few words for each state; the page has room for one and the sentence. */
export const TITLES: Record<SourceState, string> = {
  waiting: 'Waiting for imagery',
  live: 'Live',
  stalled: 'No signal',
  disconnected: 'No signal',
  refusing: 'Not shown',
};

export interface SourceView {
  state: SourceState;
  /** One sentence for people. */
  message: string;
}

/** What can be said of the source at a moment: `performance.now()` milliseconds. */
export function viewSource(
  health: FlowHealth,
  connected: boolean,
  peer: string,
  nowMs = performance.now(),
): SourceView {
  if (!health.stalled(nowMs)) return { state: 'live', message: 'The picture is live.' };
  const reason = health.refusing(nowMs);
  if (reason === 'unmarked') {
    return {
      state: 'refusing',
      message:
        `What ${peer} sends is not marked as redacted, so it is not shown. Point REDACTOR_HOST and REDACTOR_PORT at ` +
        'the redactor, or set ALLOW_UNMARKED_FRAMES=1 if a redactor of another make stands there.',
    };
  }
  if (reason !== undefined) {
    return { state: 'refusing', message: `What ${peer} sends is not a frame that can be shown: ${reason}.` };
  }
  const { lastMs } = health;
  if (lastMs === undefined) {
    const message = connected ? 'connected; no frame to show has come yet' : 'not connected yet';
    return { state: 'waiting', message: `Waiting for the redactor at ${peer}: ${message}.` };
  }
  if (!connected)
    return { state: 'disconnected', message: `The redactor at ${peer} is gone; connecting again.` };
  return {
    state: 'stalled',
    message: `The redactor at ${peer} is connected but sends no frames; is playback running?`,
  };
}
