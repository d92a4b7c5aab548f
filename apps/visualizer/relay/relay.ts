import { Fault } from '../../common/errors.ts';
import { framePassed } from '../../common/reclaim.ts';
import type { ThrottledLog } from '../../common/throttled-log.ts';
import type { Feed, Relayed } from '../feed.ts';
import type { LoopLimits } from '../loop.ts';
import { type Marking, markingHeader } from '../marking.ts';
import type { Status } from '../messages.ts';
import type { Picture } from '../picture.ts';
import type { Chain } from './chain.ts';
import { MirroredLoop } from './mirrored-loop.ts';
import { BadStream, type Part } from './multipart.ts';
import type { Origin } from './origin.ts';
import {
  newestListed,
  type OriginStatus,
  readChange,
  readLoop,
  readRepeat,
  readStatus,
} from './origin-messages.ts';
import { type RelayRefusal, readPicture } from './received-picture.ts';
import type { RelaySource } from './relay-source.ts';
import { RelayedFrame, RelayedPicture } from './relayed-picture.ts';

/** Events are bounded much more tightly than pictures. */
const MOST_EVENT_BYTES = 2 ** 20;
/** A picture's bytes leave garbage three times: as they were received, as a JPEG, and as what viewers are sent. */
const GARBAGE = 3;
/** Pictures are old when they leave the history, where only a major collection finds them: one for this many bytes of them. */
const OLD_BYTES = 24 * 2 ** 20;
/** A listing can be long, and an origin can have it asked for with every event. */
const LIST_AGAIN_MS = 2000;
/** Samples of the origin's clock; the largest difference is the one of the quickest answer. */
const CLOCK_SAMPLES = 60;

export interface RelayParts {
  origin: Origin;
  source: RelaySource;
  chain: Chain;
  loop: LoopLimits;
  allowUnmarked: boolean;
  warnings: Pick<ThrottledLog, 'warn'>;
  /** What is written on the picture, set here or taken over from the origin. */
  marking: Marking | undefined;
  /** Whether it is set here. */
  isSet: boolean;
}

/** Watches another visualizer and passes on what it says and shows: pictures, states, repeats, history. */
export class Relay implements Relayed {
  readonly #parts: RelayParts;
  readonly #signal: AbortSignal;
  #history: MirroredLoop | undefined;
  readonly #marking: string | undefined;
  /** Why this process has to end, so that it begins anew with another marking. */
  readonly #ended = new AbortController();
  /** Whether the origin's marking is the one that is shown here. */
  #mayShow = false;
  #last: Picture | undefined;
  /** Whether the history of this connection has been asked for. */
  #listed = false;
  /** When the listing was asked for last; none is asked for until it has come, and for a while. */
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking = false;
  #aheadMs: number[] = [];

  constructor(parts: RelayParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#marking = parts.marking && markingHeader(parts.marking);
  }

  live(events: ConstructorParameters<typeof RelayedPicture>[0]): RelayedPicture {
    return new RelayedPicture(events);
  }

  history(changed: ConstructorParameters<typeof MirroredLoop>[1]): MirroredLoop {
    this.#history = new MirroredLoop(this.#parts.loop, changed, id => this.#pictureOf(id));
    return this.#history;
  }

  readonly amend = (status: Status): Status => {
    const { source } = this.#parts;
    const { origin } = source;
    return {
      ...status,
      // On the origin's clock, as is the time of each picture: one clock measures their age.
      time: Math.round(status.time + (this.#aheadMs.length > 0 ? Math.max(...this.#aheadMs) : 0)),
      source: { ...status.source, format: origin?.format ?? null },
      origin: {
        address: source.address,
        connected: source.connected,
        state: origin?.state ?? null,
        message: origin?.message ?? null,
      },
      sector: status.sector ?? origin?.sector ?? null,
    };
  };

  /**
   * Feeds the viewers until `signal` is aborted.
   *
   * @throws Fault `marking-changed`
   */
  async run(feed: Feed): Promise<void> {
    const { origin } = this.#parts;
    const events = {
      opened: () => {
        this.#listed = false;
      },
      part: (part: Part) => this.#take(part, feed),
      ring: () => this.#ring(feed),
    };
    await origin.watch(events, AbortSignal.any([this.#signal, this.#ended.signal]));
    if (this.#ended.signal.aborted) throw this.#ended.signal.reason;
  }

  #take({ headers, body }: Part, feed: Feed): void {
    const type = headers.get('content-type');
    if (type === 'image/jpeg') {
      framePassed(GARBAGE * body.length, OLD_BYTES);
      const received = readPicture(headers, body, this.#parts.allowUnmarked, this.#marking);
      if (received.ok) this.#show(received.picture, feed);
      else this.#refuse(received.reason, received.detail, feed);
      return;
    }
    if (type !== 'application/json' || body.length > MOST_EVENT_BYTES)
      throw new BadStream('a part is neither a picture nor an event');
    this.#event(headers.get('x-event') ?? '', parseJson(body), feed);
  }

  #show(picture: Picture, feed: Feed): void {
    if (!this.#mayShow) return;
    const last = this.#last;
    // A new connection begins with the picture that the last one ended with.
    if (last && last.facts.seq === picture.facts.seq && last.facts.publishedAt === picture.facts.publishedAt)
      return;
    this.#last = picture;
    feed.take(new RelayedFrame(picture));
  }

  #event(name: string, data: unknown, feed: Feed): void {
    if (name === 'status') {
      const status = readStatus(data);
      if (!status) throw new BadStream('its status cannot be read');
      this.#said(status, feed);
    } else if (name === 'repeat') {
      const repeat = readRepeat(data);
      if (repeat && this.#last) feed.take(new RelayedFrame(this.#last, repeat));
    } else if (name === 'loop') {
      const change = readChange(data);
      // The next status asks for the whole listing.
      if (!change || !this.#history?.apply(change)) this.#listed = false;
    }
  }

  #said(status: OriginStatus, feed: Feed): void {
    const { chain, source } = this.#parts;
    if (chain.leadsHere(status.chain)) {
      this.#ring(feed);
      throw new BadStream('it watches this relay');
    }
    if (!this.#agrees(status.marking, feed)) return;
    this.#aheadMs.push(status.time - Date.now());
    if (this.#aheadMs.length > CLOCK_SAMPLES) this.#aheadMs.shift();
    source.said(status);
    feed.refresh();
    if (!this.#listed) void this.#list();
  }

  /** Takes the origin's listing of its history. */
  async #list(): Promise<void> {
    const nowMs = performance.now();
    if (!this.#history?.enabled || this.#asking || nowMs - this.#askedMs < LIST_AGAIN_MS) return;
    this.#askedMs = nowMs;
    this.#asking = true;
    this.#listed = true;
    try {
      const answer = await this.#parts.origin.get('loop', this.#signal);
      // One more, which shows that the origin lists more than may be held here.
      const text = answer && newestListed(answer.body, this.#parts.loop.maxFrames + 1);
      const list = text === undefined ? undefined : readLoop(parseJson(text));
      if (list) this.#history.replace(list);
    } catch {
      // The stream reports what is wrong with the link; the next status asks again.
      this.#listed = false;
    } finally {
      this.#asking = false;
    }
  }

  async #pictureOf(id: string): Promise<Picture | undefined> {
    const answer = await this.#parts.origin.get(`loop/${id}.jpg?marking=0`, this.#signal);
    const received =
      answer && readPicture(answer.headers, answer.body, this.#parts.allowUnmarked, this.#marking);
    return received?.ok ? received.picture : undefined;
  }

  /** Returns whether the origin's marking is ours, if it has one. */
  #agrees(theirs: Marking | undefined, feed: Feed): boolean {
    const { marking, isSet, source } = this.#parts;
    this.#mayShow = !theirs || (theirs.text === marking?.text && theirs.color === marking.color);
    if (this.#mayShow) return true;
    const what = `The visualizer at ${source.address} marks its picture ${JSON.stringify(theirs!.text)} on ${theirs!.color}`;
    if (isSet) {
      this.#refuse(
        'other-marking',
        `${what}; set MARKING and MARKING_COLOR to the same here, or to nothing.`,
        feed,
      );
    } else {
      this.#ended.abort(
        new Fault('marking-changed', `${what}; start this relay again, so that it takes that over`),
      );
    }
    return false;
  }

  #ring(feed: Feed): void {
    const { address } = this.#parts.source;
    this.#refuse(
      'ring',
      `SOURCE_URL=${address} leads back to this visualizer, directly or through others; set it to one that watches a redactor.`,
      feed,
    );
  }

  #refuse(reason: RelayRefusal, detail: string, feed: Feed): void {
    feed.refuse(reason, detail);
    feed.refresh();
    this.#parts.warnings.warn(
      reason,
      `refused what ${this.#parts.source.address} sends: ${reason} (${detail})`,
    );
  }
}

function parseJson(body: Buffer | string): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
