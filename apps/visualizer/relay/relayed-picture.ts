import type { Frame } from '../../common/frame.ts';
import type { Live, LivePictureEvents } from '../live-picture.ts';
import type { Picture } from '../picture.ts';

/** No pixels: a relay has none. Part of a larger buffer, so that `release` leaves it alone. */
const NOTHING = Buffer.alloc(1).subarray(0, 0);

/** What stands for a frame in a relay: a picture that another visualizer has made of one, or word that it was repeated. */
export class RelayedFrame implements Frame {
  readonly ok = true;
  readonly picture: Picture;
  readonly stamp: Frame['stamp'];
  readonly width: number;
  readonly height: number;
  readonly redacted: boolean;
  readonly repeat: boolean;
  readonly format = 'i420';
  readonly order = 'C';
  readonly version = 2;
  readonly remnant = undefined;
  readonly ended = false;
  readonly pixels = NOTHING;
  readonly message = NOTHING;

  /** @param repeated the number and the time of a frame that repeats this picture */
  constructor(picture: Picture, repeated?: { seq: number; publishedAt: number }) {
    const { facts } = picture;
    const { seq, publishedAt } = repeated ?? facts;
    this.picture = picture;
    this.width = facts.width;
    this.height = facts.height;
    this.redacted = true;
    this.repeat = repeated !== undefined;
    this.stamp = {
      sequence: BigInt(seq),
      publishedAtNs: BigInt(Math.round(publishedAt * 1000)) * 1000n,
      positionUs: BigInt(facts.position ?? 0),
      validAtMs: facts.validAt ?? 0,
      mask: BigInt(`0x${facts.mask ?? '0'}`),
    };
  }
}

/** Has the newest picture at once: another visualizer has encoded it. */
export class RelayedPicture implements Live {
  readonly #events: LivePictureEvents;
  #newest: Picture | undefined;

  constructor(events: LivePictureEvents) {
    this.#events = events;
  }

  take(frame: Frame): void {
    if (!(frame instanceof RelayedFrame)) throw new TypeError('a relay takes pictures only, and no frames');
    this.#newest = frame.picture;
    this.#events.made(frame.picture, true);
  }

  get made(): Picture | undefined {
    return this.#newest;
  }

  request(): void {}

  still(): Promise<Picture | undefined> {
    return Promise.resolve(this.#newest);
  }

  [Symbol.dispose](): void {}
}
