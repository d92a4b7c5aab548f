import type { SourceState, Status } from '../../messages.js';
import { STATE_TEXT, STATE_WORDS } from '../text.ts';

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
export const FIRST_LIVENESS = liveness('connecting', STATE_TEXT.connecting);

/** A picture that is no longer live may look live for this long; the promise is 2 s. */
export const PATIENCE_MS = 1800;
/** A delayed picture is live again below this; the gap keeps the word from changing back and forth. */
const IN_TIME_MS = 1200;

/** Returns what may be claimed of the picture. It is live only if the link, the server and the screen all agree. */
export function judge(facts: Facts): Liveness {
  const { link, status, latencyMs } = facts;
  if (facts.held === 'loop') return liveness('loop', STATE_TEXT.loop, true);
  if (facts.held === 'paused') return liveness('paused', STATE_TEXT.paused, true);
  if (facts.hidden) return liveness('hidden', STATE_TEXT.hidden);
  if (link === 'full') return liveness('full', STATE_TEXT.full(status?.viewers.max));
  if (link === 'lost' || link === 'closed') return liveness('reconnecting', STATE_TEXT.lost);
  if (link === 'silent') return liveness('reconnecting', STATE_TEXT.silent);
  if (status && status.state !== 'live') return liveness(status.state, status.message);
  if (facts.unseenForMs > PATIENCE_MS) return liveness('stalled', STATE_TEXT.unseen);
  if (facts.held === 'ending') return liveness('resuming', STATE_TEXT.resuming, true);
  if (!status || !facts.drawn) return FIRST_LIVENESS;
  if (latencyMs > (facts.before === 'delayed' ? IN_TIME_MS : PATIENCE_MS))
    return liveness('delayed', STATE_TEXT.delayed(latencyMs), true);
  return liveness('live', facts.polling ? STATE_TEXT.polling : STATE_TEXT.live, true);
}

function liveness(state: State, message: string, picture = false): Liveness {
  return { state, label: STATE_WORDS[state], message, picture };
}
