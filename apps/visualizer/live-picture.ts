import { unixNanoseconds } from '../common/clock.ts';
import type { Frame } from '../common/frame.ts';
import { FlowHealth } from '../common/health.ts';
import { release } from '../common/reclaim.ts';
import type { Broadcast } from './broadcast.ts';
import { drawCard } from './card.ts';
import { NewestEncoder } from './encode-newest.ts';
import type { SourceState } from './messages.ts';
import { Picture } from './picture.ts';
import { type SourceView, TITLES, viewSource } from './status.ts';

/** The card's shape before any frame has told one. */
const DEFAULT_SHAPE = { width: 1280, height: 720 };

export interface LivePictureEvents {
  changed(view: SourceView): void;
  /** @param prompt whether it was wanted as soon as its frame came: any other's age tells of who asked for it */
  encoded(picture: Picture, prompt: boolean): void;
  /** A newer frame took the place of one that waited for an encoder. */
  replaced(): void;
  failed(error: unknown): void;
}

/** The encoder of one picture at a time, as `jpeg.ts` has it. */
type Encode = (frame: Frame) => Promise<Buffer>;

interface NumberedFrame {
  frame: Frame;
  seq: number;
  arrivedNs: bigint;
  /** Wanted as soon as it came. */
  prompt: boolean;
}

interface EncodedFrame {
  numbered: NumberedFrame;
  picture: Picture;
}

/**
 * What there is to see at this moment: the newest frame while frames flow, a card that says why while they don't.
 * A frame is encoded only when a viewer would take it or somebody asks for a still. Its memory is given back as soon as
 * nobody will read it: once it is encoded, or when a newer one came before anybody asked for it.
 */
export class LivePicture {
  readonly health: FlowHealth;
  readonly #peer: string;
  readonly #connected: () => boolean;
  readonly #broadcast: Broadcast;
  readonly #events: LivePictureEvents;
  readonly #encoder: NewestEncoder<NumberedFrame, EncodedFrame>;
  #frame: NumberedFrame | undefined;
  /** The last frame that was given to the encoder. */
  #requested: NumberedFrame | undefined;
  #newest: EncodedFrame | undefined;
  #next: PromiseWithResolvers<Picture | undefined> | undefined;
  #arrived = 0;
  #state: SourceState | undefined;
  #card: { picture: Picture; key: string } | undefined;

  /** @param connected whether the transport to the peer stands */
  constructor(
    peer: string,
    connected: () => boolean,
    broadcast: Broadcast,
    createEncoder: () => Encode,
    events: LivePictureEvents,
  ) {
    this.health = new FlowHealth('visualizer', `frames from the redactor at ${peer}`, connected);
    this.#peer = peer;
    this.#connected = connected;
    this.#broadcast = broadcast;
    this.#events = events;
    broadcast.caughtUp = () => {
      if (this.#state === 'live' && this.#frame && broadcast.wanted()) this.#request(this.#frame);
    };
    const encoderOf = () => {
      const encode = createEncoder();
      return async (numbered: NumberedFrame) => {
        try {
          return { numbered, picture: toPicture(await encode(numbered.frame), numbered) };
        } finally {
          release(numbered.frame);
        }
      };
    };
    this.#encoder = new NewestEncoder(encoderOf, {
      encoded: newest => this.#show(newest),
      replaced: ({ frame }) => {
        release(frame);
        events.replaced();
      },
      failed: error => {
        this.#next?.resolve(undefined);
        this.#next = undefined;
        events.failed(error);
      },
    });
  }

  /** Where frames come from, and whether the transport to there stands. */
  get peer(): { address: string; connected: boolean } {
    return { address: this.#peer, connected: this.#connected() };
  }

  get newestFrame(): Frame | undefined {
    return this.#frame?.frame;
  }

  view(): SourceView {
    return viewSource(this.health, this.#connected(), this.#peer);
  }

  /** Takes a frame that may be shown. */
  show(frame: Frame): void {
    const seq = frame.stamp ? Number(frame.stamp.sequence) : this.#arrived;
    this.#arrived += 1;
    if (this.#frame && this.#frame !== this.#requested) release(this.#frame.frame);
    this.#frame = { frame, seq, arrivedNs: unixNanoseconds(), prompt: false };
    this.health.flowed();
    if (this.#state !== 'live') this.refresh();
    if (this.#broadcast.wanted()) {
      this.#frame.prompt = true;
      this.#request(this.#frame);
    } else {
      this.#broadcast.pass();
    }
  }

  /** The newest frame's picture, if it is made already. If not, it will be, and shown to all who want it. */
  newest(): Picture | undefined {
    if (this.view().state !== 'live' || !this.#frame) return undefined;
    if (this.#newest?.numbered === this.#frame) return this.#newest.picture;
    this.#request(this.#frame);
    return undefined;
  }

  /** The newest frame as a picture, made now if nobody has asked for it yet; undefined while nothing is live. */
  async still(): Promise<Picture | undefined> {
    if (this.view().state !== 'live') return undefined;
    const ready = this.newest();
    if (ready) return ready;
    this.#next ??= Promise.withResolvers();
    return await this.#next.promise;
  }

  /** Notices that the source's state has changed, and shows the card while there is nothing live. */
  refresh(): void {
    const view = this.view();
    if (view.state !== this.#state) {
      this.#state = view.state;
      if (view.state !== 'live') this.#newest = undefined;
      this.#events.changed(view);
    }
  }

  /** The card for the present state, in the shape of the last frame. */
  card(): Picture {
    const { width, height } = this.#frame?.frame ?? DEFAULT_SHAPE;
    const { state, message } = this.view();
    const key = `${width}×${height} ${state} ${message}`;
    if (this.#card?.key !== key) {
      const jpeg = drawCard({ width, height }, TITLES[state], message);
      const facts = { seq: 0, width, height, publishedAt: Date.now(), position: null, latencyMs: null };
      this.#card = { key, picture: new Picture(jpeg, facts, true) };
    }
    return this.#card.picture;
  }

  #request(numbered: NumberedFrame): void {
    if (this.#requested === numbered) return;
    this.#requested = numbered;
    this.#encoder.push(numbered);
  }

  #show(newest: EncodedFrame): void {
    const { picture, numbered } = newest;
    this.#next?.resolve(picture);
    this.#next = undefined;
    // Encoded while the source went away: showing it now would pass it off as live.
    if (this.#state !== 'live') return;
    this.#newest = newest;
    this.#events.encoded(picture, numbered.prompt);
    this.#broadcast.show(picture);
  }
}

function toPicture(jpeg: Buffer, { frame, seq, arrivedNs }: NumberedFrame): Picture {
  const { width, height, stamp } = frame;
  const publishedAtNs = stamp?.publishedAtNs ?? arrivedNs;
  return new Picture(jpeg, {
    seq,
    width,
    height,
    publishedAt: Number(publishedAtNs / 1000n) / 1000,
    position: stamp ? Number(stamp.positionUs) : null,
    latencyMs: stamp ? Number((unixNanoseconds() - publishedAtNs) / 1000n) / 1000 : null,
  });
}
