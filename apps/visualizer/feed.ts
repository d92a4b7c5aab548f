import { asError, Fault } from '../common/errors.ts';
import type { Frame, RefusalReason, Stamp } from '../common/frame.ts';
import type { Verdict } from '../common/health.ts';
import { leftByFrame, release } from '../common/reclaim.ts';
import { ageMs, isPlausible } from '../common/stamp-age.ts';
import type { Who } from './access/who.ts';
import { JpegBands } from './banded-jpeg.ts';
import { Broadcast, type BroadcastLimits, type Ended, type Visit } from './broadcast.ts';
import { Card } from './card.ts';
import { type FrameEncoder, type Live, LivePicture, type LivePictureEvents } from './live-picture.ts';
import { Loop, type LoopLimits } from './loop.ts';
import { type LossEvents, Losses } from './losses.ts';
import { type Marking, markingHeader } from './marking.ts';
import type { LoopChange, LoopList, SourceState, Status } from './messages.ts';
import type { Picture } from './picture.ts';
import type { NoPlace } from './places.ts';
import { Chain } from './relay/chain.ts';
import type { RelayRefusal } from './relay/received-picture.ts';
import { exactNumber, type Implausible, type Source, type SourceView } from './source.ts';
import { StatusReport } from './status.ts';
import type { Telemetry } from './telemetry.ts';

const RELEASE_MS = 30_000;
/** Bytes of JPEG to a pixel. What a smaller picture leaves is little beside its frame; noise has up to 2. */
const LARGE_PICTURE = 0.5;
/** In these forms together a picture has this many times the bytes of its JPEG: JPEG, SSE and MJPEG. */
const FORMS = 3.3;

export interface FeedOptions {
  places: BroadcastLimits;
  /** A viewer that is behind and takes next to nothing for this long is disconnected; 30 s by default. */
  releaseMs?: number;
  loop: LoopLimits;
  /** Longer frames are not accepted, and larger stills not marked. */
  longestBytes?: number;
  /** Where the picture lies, if that is known. */
  sector: string | undefined;
  /** What must be written on the picture wherever it is shown. */
  marking?: Marking | undefined;
  jpegQuality?: number;
  createEncoder(): FrameEncoder;
  chain?: Chain;
  /** What a relay has instead of an encoder and a history of its own. */
  relayed?: Relayed | undefined;
}

/** The pictures of the past. */
export type History = Pick<Loop, 'enabled' | 'add' | 'list' | 'recall' | 'size'> & {
  picture(id: string): LoopPicture | Promise<LoopPicture>;
};
type LoopPicture = ReturnType<Loop['picture']>;

export interface Relayed {
  live(events: LivePictureEvents): Live;
  history(changed: (change: LoopChange) => void): History;
  /** Adds what is known from the origin. */
  amend(status: Status): Status;
}

export interface FeedEvents extends LossEvents {
  /** The source's state has changed. */
  changed(view: SourceView): void;
  /** A viewer has left, or was disconnected. */
  left(visit: Ended): void;
  encodeFailed(error: unknown): void;
  /** A frame was published before one that has been shown, and is not shown. */
  outOfOrder(): void;
  /** The picture has had one colour throughout for a while; called once a second. */
  blank(): void;
  /** A frame carries a value that cannot be true. */
  implausible(what: Implausible, source: Source, stamp: Stamp): void;
}

/**
 * One source, its pictures and everyone who watches it. A frame is encoded only when a viewer would take it, a still is
 * asked for, or the loop keeps it. All that viewers are sent goes through here, and `Broadcast` alone writes it.
 */
export class Feed implements Disposable {
  readonly source: Source;
  readonly chain: Chain;
  readonly #telemetry: Telemetry;
  readonly #events: FeedEvents;
  readonly #broadcast: Broadcast;
  readonly #loop: History;
  readonly #live: Live;
  readonly #status: StatusReport;
  readonly #losses: Losses;
  readonly #card: Card;
  readonly #bands: JpegBands | undefined;
  #state: SourceState | undefined;
  /** Whether this process is about to end, and has its viewers reconnect. */
  draining = false;

  constructor(source: Source, telemetry: Telemetry, options: FeedOptions, events: FeedEvents) {
    this.source = source;
    this.#telemetry = telemetry;
    this.#events = events;
    this.#losses = new Losses(events);
    const marking = options.marking && markingHeader(options.marking);
    this.#card = new Card(options.marking);
    this.#bands =
      options.marking && new JpegBands(options.marking, options.jpegQuality ?? 85, options.longestBytes);
    this.#broadcast = new Broadcast(
      options.places,
      options.releaseMs ?? RELEASE_MS,
      {
        joined: kind => telemetry.joined(kind),
        left: visit => {
          telemetry.left(visit.kind);
          events.left(visit);
        },
        skipped: () => telemetry.dropped('viewer'),
        released: () => telemetry.released(),
        caughtUp: () => this.#caughtUp(),
        wrote: bytes => telemetry.sent(bytes),
      },
      marking,
    );
    const { relayed, chain = new Chain() } = options;
    this.chain = chain;
    const changed = (change: LoopChange) => this.#broadcast.send('loop', change);
    this.#loop = relayed?.history(changed) ?? new Loop(options.loop, changed);
    const made: LivePictureEvents = {
      made: (picture, prompt) => this.#made(picture, prompt),
      replaced: () => telemetry.dropped('encoder'),
      failed: error => {
        telemetry.encodeFailed();
        events.encodeFailed(error);
      },
    };
    this.#live =
      relayed?.live(made) ?? new LivePicture(() => this.#recalling(options.createEncoder()), made, marking);
    const shown = { ...options, chain, loop: this.#loop };
    this.#status = new StatusReport(source, this.#broadcast, telemetry, shown);
  }

  /** Takes a frame that may be shown. */
  take(frame: Frame): void {
    if (this.source.withheld !== undefined) {
      this.#telemetry.refused('no-marking');
      release(frame);
      return;
    }
    const { kind, missed, implausible } = this.source.arrived(frame);
    this.#telemetry.dropped('upstream', missed);
    for (const what of implausible) {
      this.#telemetry.implausible(what);
      this.#events.implausible(what, this.source, frame.stamp!);
    }
    if (kind === 'repeat') this.#telemetry.repeated();
    else if (kind === 'out-of-order') {
      this.#telemetry.refused(kind);
      this.#events.outOfOrder();
    } else this.#telemetry.received(ageMs(frame.stamp));
    if (this.#state !== 'live') this.refresh();
    if (kind === 'repeat') this.#broadcast.sendToRelays('repeat', repeatOf(frame));
    if (kind !== 'new') {
      release(frame);
      return;
    }
    const wanted = this.#broadcast.wanted() || this.#loop.enabled;
    this.#live.take(frame, wanted);
    if (!wanted) this.#broadcast.pass();
  }

  /** Takes note of a message that may not be shown. */
  refuse(reason: RefusalReason | RelayRefusal, detail: string): void {
    this.#telemetry.refused(reason);
    this.source.refused(reason, detail);
  }

  get maxViewers(): number {
    return this.#broadcast.max;
  }

  /** Returns why there is no place for one more viewer, undefined if there is one. */
  noPlaceFor(who: Who): NoPlace | undefined {
    return this.#broadcast.noPlaceFor(who);
  }

  /** Opens a stream: with the newest picture or the card, and for Server-Sent Events the status. */
  async join(visit: Visit): Promise<void> {
    // A relay has to know that a picture is live before it comes.
    const opening = visit.kind === 'relay' ? await this.status() : undefined;
    const isLive = this.source.view().state === 'live';
    this.#broadcast.join(visit, isLive ? this.#live.made : undefined, opening);
    if (isLive) this.#live.request();
    else if (visit.kind === 'mjpeg') this.#showCard(visit.response);
    if (visit.kind === 'sse') this.#broadcast.send('status', await this.status(), visit.response);
  }

  /** Returns the newest frame as a picture, encoded now if need be; undefined while nothing is live. */
  async still(): Promise<Picture | undefined> {
    return this.source.view().state === 'live' ? await this.#live.still() : undefined;
  }

  /**
   * Returns a JPEG of ours as it may leave for people: with the marking above and below it, if there is one. Undefined if too
   * many are asked for at once.
   */
  async marked(
    jpeg: Buffer,
    { width, height }: { width: number; height: number },
  ): Promise<Buffer | undefined> {
    return this.#bands ? await this.#bands.add(jpeg, width, height) : jpeg;
  }

  /** Returns the card for the present state, in the shape of the last frame; undefined if it cannot be drawn, which is reported. */
  card(): Picture | undefined {
    try {
      return this.#card.for(this.source.view(), this.source.newest);
    } catch (thrown) {
      // What draws it is loaded with the first card, and perhaps no descriptor is left for that.
      const cause = asError(thrown);
      const why = `the card that says why there is no picture cannot be drawn: ${cause.message}`;
      this.#events.encodeFailed(new Fault('encode-failed', why, { cause }));
      return undefined;
    }
  }

  /** Has all viewers reconnect, spread over this time: another process takes them. */
  async drain(withinMs: number): Promise<void> {
    this.draining = true;
    await this.#broadcast.drain(withinMs);
  }

  /** Returns whether new viewers would get a live picture here. */
  ready(): Verdict {
    return this.draining
      ? { ok: false, message: 'about to end; viewers are asked to reconnect' }
      : this.source.ready();
  }

  loop(): LoopList {
    return this.#loop.list();
  }

  /** Returns a picture of the loop by its id. */
  loopPicture(id: string): ReturnType<History['picture']> {
    return this.#loop.picture(id);
  }

  async status(): Promise<Status> {
    return await this.#status.read();
  }

  /** Notices a change of the source's state, and reports it to the viewers. */
  refresh(): void {
    const view = this.source.view();
    if (view.state === this.#state) return;
    this.#state = view.state;
    this.#telemetry.state(view.state);
    this.#events.changed(view);
    void this.#report();
  }

  /** Disconnects viewers that are slow or may watch no longer, measures rates, reports the status, and keeps quiet connections alive. */
  async everySecond(): Promise<void> {
    this.#broadcast.release();
    const viewers = this.#broadcast.states();
    this.#telemetry.looked(this.source, viewers, this.#loop.size);
    if (this.source.blank) this.#events.blank();
    this.#losses.look(await this.#status.mark(), viewers);
    await this.#report();
    const shown = this.#state === 'live' ? this.#live.made : undefined;
    if (shown) this.#broadcast.keepAlive(shown);
  }

  [Symbol.dispose](): void {
    this.#broadcast[Symbol.dispose]();
    this.#live[Symbol.dispose]();
    this.#bands?.[Symbol.dispose]();
  }

  async #report(): Promise<void> {
    this.#broadcast.send('status', await this.#status.read());
    if (this.source.view().state !== 'live' && this.#broadcast.count('mjpeg') > 0) {
      this.#showCard();
    }
  }

  /** Shows the card to MJPEG viewers. The page draws its own from the status. */
  #showCard(only?: Visit['response']): void {
    const card = this.card();
    if (card) this.#broadcast.showCard(card, this.source.newest !== undefined, only);
  }

  #caughtUp(): void {
    if (this.#state === 'live' && this.#broadcast.wanted()) this.#live.request();
  }

  #made(picture: Picture, prompt: boolean): void {
    // Encoded while the source went away: showing it now would pass it off as live.
    if (this.#state !== 'live') {
      this.#telemetry.late();
      return;
    }
    const { latencyMs } = picture.facts;
    // A relay's is what the origin says of it.
    if (prompt && latencyMs !== null && isPlausible(latencyMs)) this.#telemetry.latency(latencyMs);
    this.#loop.add(picture);
    const beganMs = performance.now();
    this.#broadcast.show(picture);
    this.#telemetry.wrote(performance.now() - beganMs);
    const { width, height } = picture.facts;
    if (picture.jpeg.length > LARGE_PICTURE * width * height) leftByFrame(FORMS * picture.jpeg.length);
  }

  /** Encodes only what the loop does not hold from an earlier round of the clip. */
  #recalling(encoder: FrameEncoder): FrameEncoder {
    return {
      encode: async frame => {
        const recalled = this.#loop.recall(frame);
        if (recalled) {
          this.#telemetry.recalled();
          return recalled;
        }
        const beganMs = performance.now();
        const jpeg = await encoder.encode(frame);
        this.#telemetry.encoded(performance.now() - beganMs);
        return jpeg;
      },
      [Symbol.dispose]: () => encoder[Symbol.dispose](),
    };
  }
}

/** What a frame that repeats the one before it says to viewers that are relays. */
const repeatOf = ({ stamp }: Frame) => ({
  seq: exactNumber(stamp?.sequence ?? 0n) ?? 0,
  publishedAt: Number((stamp?.publishedAtNs ?? 0n) / 1000n) / 1000,
});
