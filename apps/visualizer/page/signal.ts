import type { Status } from './messages.ts';

/** What became of the page's own connection: `silent` is one on which nothing arrives. */
export type Link = 'closed' | 'connecting' | 'open' | 'silent' | 'lost' | 'full';

export interface Facts {
  hidden: boolean;
  /** `ending` from the wish to go on until there is a newer picture to show. */
  paused: 'no' | 'yes' | 'ending';
  link: Link;
  /** The newest that this connection brought. */
  status: Status | undefined;
  /** Whether this connection has brought a picture. */
  drawn: boolean;
  /** For how long the server has had a newer frame than the one drawn. */
  unseenForMs: number;
  /** Age of the drawn picture when it was drawn. */
  latencyMs: number;
  /** What was said of it last. */
  before: State;
}

export type State =
  | Status['state']
  | 'connecting'
  | 'reconnecting'
  | 'full'
  | 'delayed'
  | 'paused'
  | 'resuming'
  | 'hidden';

/** What the page says of its picture. */
export interface Signal {
  state: State;
  label: string;
  message: string;
  /** Whether the last picture may be seen. */
  picture: boolean;
}

/** No longer than this may a picture that has ceased to be live look as if it were; the promise is 2 s. */
export const PATIENCE_MS = 1800;
/** A late picture has to come this early to be live again, lest the word change back and forth. */
const IN_TIME_MS = 1200;

/** Judges what may be claimed of the picture. It is live only if the link, the server and the screen all agree. */
export function judge(facts: Facts): Signal {
  const { link, status } = facts;
  if (facts.paused === 'yes') return signal('paused', 'Paused', 'The picture is held.', true);
  if (facts.hidden) return signal('hidden', 'Resting', 'This tab is hidden and has let go of its stream.');
  if (link === 'full') {
    const max = status?.viewers.max;
    const places = max === 1 ? 'The only place is' : `All ${max ?? 'the'} places are`;
    return signal('full', 'Full', `${places} taken. Trying again until one is free.`);
  }
  if (link === 'lost' || link === 'closed') {
    return signal('reconnecting', 'Reconnecting', 'The connection to the visualizer is lost. Trying again.');
  }
  if (link === 'silent') {
    return signal('reconnecting', 'Reconnecting', 'Nothing arrives from the visualizer. Trying again.');
  }
  if (status && status.state !== 'live') return signal(status.state, LABELS[status.state], status.message);
  if (facts.unseenForMs > PATIENCE_MS) {
    return signal('stalled', 'Stalled', 'The server has newer frames, but none of them reaches this screen.');
  }
  if (facts.paused === 'ending')
    return signal('resuming', 'Resuming', 'Going on with the live picture.', true);
  if (!status || !facts.drawn) return signal('connecting', 'Connecting', 'Waiting for the first picture.');
  if (facts.latencyMs > (facts.before === 'delayed' ? IN_TIME_MS : PATIENCE_MS)) {
    const behind = (facts.latencyMs / 1000).toFixed(1);
    return signal('delayed', 'Delayed', `This connection runs ${behind} s behind.`, true);
  }
  return signal('live', 'Live', 'The picture is live.', true);
}

const LABELS: Record<Status['state'], string> = {
  waiting: 'Waiting',
  live: 'Live',
  stalled: 'Stalled',
  disconnected: 'Source lost',
  refusing: 'Refusing',
};

function signal(state: State, label: string, message: string, picture = false): Signal {
  return { state, label, message, picture };
}
