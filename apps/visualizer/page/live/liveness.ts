import type { SourceState, Status } from '../../messages.js';

/** State of the page's connection: `silent` means that it is open and nothing arrives. */
export type Link = 'closed' | 'connecting' | 'open' | 'silent' | 'lost' | 'full';

/** Everything that decides what the page may claim of its picture. */
export interface Facts {
  hidden: boolean;
  /**
   * `paused`: the viewer holds the picture. `loop`: past pictures play. `ending`: the viewer wants the live picture back,
   * and there is none yet.
   */
  held: 'no' | 'paused' | 'loop' | 'ending';
  link: Link;
  /** Whether stills are asked for one by one, since the network holds the stream back. */
  polling: boolean;
  /** The newest status of this connection. */
  status: Status | undefined;
  /** Whether this connection has brought a picture. */
  drawn: boolean;
  /** How long the server has had a newer frame than the one on the screen. */
  unseenForMs: number;
  /** Age of the picture when it was drawn. */
  latencyMs: number;
  /** The previous judgement. */
  before: State;
}

export type State =
  | SourceState
  | 'connecting'
  | 'reconnecting'
  | 'full'
  | 'delayed'
  | 'paused'
  | 'loop'
  | 'resuming'
  | 'hidden';

/** What the page says of its picture. */
export interface Liveness {
  state: State;
  label: string;
  message: string;
  /** Whether the last picture may be seen. */
  picture: boolean;
}

/** What the page's HTML says before any script runs. */
export const FIRST_LIVENESS: Liveness = {
  state: 'connecting',
  label: 'Connecting',
  message: 'Waiting for the first picture.',
  picture: false,
};

/** A picture that is no longer live may look live for this long; the promise is 2 s. */
export const PATIENCE_MS = 1800;
/** A delayed picture is live again below this; the gap keeps the word from changing back and forth. */
const IN_TIME_MS = 1200;

/** Returns what may be claimed of the picture. It is live only if the link, the server and the screen all agree. */
export function judge(facts: Facts): Liveness {
  const { link, status } = facts;
  if (facts.held === 'loop') return liveness('loop', 'Loop', 'Past pictures, not live.', true);
  if (facts.held === 'paused') return liveness('paused', 'Paused', 'The picture is held.', true);
  if (facts.hidden) return liveness('hidden', 'Resting', 'This tab is hidden and has closed its stream.');
  if (link === 'full') {
    const max = status?.viewers.max;
    const places = max === 1 ? 'The only place is' : `All ${max ?? 'the'} places are`;
    return liveness('full', 'Full', `${places} taken. Trying again until one is free.`);
  }
  if (link === 'lost' || link === 'closed') {
    return liveness(
      'reconnecting',
      'Reconnecting',
      'The connection to the visualizer is lost. Trying again.',
    );
  }
  if (link === 'silent') {
    return liveness('reconnecting', 'Reconnecting', 'Nothing arrives from the visualizer. Trying again.');
  }
  if (status && status.state !== 'live') return liveness(status.state, LABELS[status.state], status.message);
  if (facts.unseenForMs > PATIENCE_MS) {
    return liveness(
      'stalled',
      'Stalled',
      'The server has newer frames, but none of them reaches this screen.',
    );
  }
  if (facts.held === 'ending') {
    return liveness('resuming', 'Resuming', 'Going on with the live picture.', true);
  }
  if (!status || !facts.drawn) return FIRST_LIVENESS;
  if (facts.latencyMs > (facts.before === 'delayed' ? IN_TIME_MS : PATIENCE_MS)) {
    const behind = (facts.latencyMs / 1000).toFixed(1);
    return liveness('delayed', 'Delayed', `This connection runs ${behind} s behind.`, true);
  }
  if (facts.polling) {
    return liveness(
      'live',
      'Live',
      'The network holds the stream back, so stills are asked for one by one.',
      true,
    );
  }
  return liveness('live', 'Live', 'The picture is live.', true);
}

const LABELS: Record<SourceState, string> = {
  waiting: 'Waiting',
  live: 'Live',
  stalled: 'Stalled',
  disconnected: 'Source lost',
  refusing: 'Refusing',
  ended: 'Ended',
};

function liveness(state: State, label: string, message: string, picture = false): Liveness {
  return { state, label, message, picture };
}
