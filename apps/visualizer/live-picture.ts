import { unixNanoseconds } from '../common/clock.ts';
import type { Frame } from '../common/frame.ts';
import { release } from '../common/reclaim.ts';
import { ageMs } from '../common/stamp-age.ts';
import { type Encoder, NewestEncoder } from './newest-encoder.ts';
import { Picture } from './picture.ts';
import { exactNumber, originOf } from './source.ts';

export interface LivePictureEvents {
  /** @param prompt whether the picture was asked for as its frame arrived; otherwise its age measures the request */
  made(picture: Picture, prompt: boolean): void;
  /** A newer frame replaced one that waited for an encoder. */
  replaced(): void;
  failed(error: unknown): void;
}

/** Encodes one frame at a time as JPEG. */
export type FrameEncoder = Encoder<Frame, Buffer>;

/** Has the picture of the newest frame. */
export interface Live extends Disposable {
  /** Makes a frame the newest one; its picture is made now if it is `wanted` now. */
  take(frame: Frame, wanted: boolean): void;
  /** The newest frame's picture, if it has been made already. */
  readonly made: Picture | undefined;
  /** Has the newest frame's picture made, unless that has been asked for before. */
  request(): void;
  /** Returns the newest frame as a picture; undefined before the first frame, or if it cannot be made. */
  still(): Promise<Picture | undefined>;
}

/** A frame on its way to a picture. */
interface Candidate {
  frame: Frame;
  seq: number;
  arrivedNs: bigint;
  prompt: boolean;
  /** Set once the picture is asked for; undefined if it was replaced or did not encode. */
  picture?: PromiseWithResolvers<Picture | undefined>;
  made?: Picture;
}

/**
 * Turns the newest frame into a picture, once somebody asks for it. A frame's memory is released as soon as nobody will
 * read it: when it is encoded, or when a newer frame replaces one that nobody asked for.
 */
export class LivePicture implements Live {
  readonly #encoder: NewestEncoder<Candidate, Buffer>;
  #newest: Candidate | undefined;
  #arrived = 0;

  /** @param marking what headers say of the marking */
  constructor(createEncoder: () => FrameEncoder, events: LivePictureEvents, marking?: string) {
    this.#encoder = new NewestEncoder(() => releasing(createEncoder()), {
      encoded: (jpeg, candidate) => {
        candidate.made = toPicture(jpeg, candidate, marking);
        candidate.picture?.resolve(candidate.made);
        events.made(candidate.made, candidate.prompt);
      },
      replaced: candidate => {
        release(candidate.frame);
        candidate.picture?.resolve(undefined);
        events.replaced();
      },
      failed: (error, candidate) => {
        candidate.picture?.resolve(undefined);
        events.failed(error);
      },
    });
  }

  /** Makes a frame the newest one, and starts to encode it if it is `wanted` now. */
  take(frame: Frame, wanted: boolean): void {
    const seq = (frame.stamp && exactNumber(frame.stamp.sequence)) ?? this.#arrived;
    this.#arrived += 1;
    if (this.#newest && !this.#newest.picture) release(this.#newest.frame);
    this.#newest = { frame, seq, arrivedNs: unixNanoseconds(), prompt: wanted };
    if (wanted) this.request();
  }

  /** The newest frame's picture, if it has been made already. */
  get made(): Picture | undefined {
    return this.#newest?.made;
  }

  /** Has the newest frame encoded, unless that has been asked for before. */
  request(): void {
    const candidate = this.#newest;
    if (!candidate || candidate.picture) return;
    candidate.picture = Promise.withResolvers();
    this.#encoder.push(candidate);
  }

  /** Returns the newest frame as a picture; undefined before the first frame, or if it does not encode. */
  async still(): Promise<Picture | undefined> {
    for (;;) {
      const candidate = this.#newest;
      this.request();
      const picture = await candidate?.picture?.promise;
      // One that a newer frame replaced is not what was asked for: the newest is.
      if (picture || candidate === this.#newest) return picture;
    }
  }

  [Symbol.dispose](): void {
    this.#encoder[Symbol.dispose]();
  }
}

/** Releases each frame's memory when it has been encoded. */
function releasing(encoder: FrameEncoder): Encoder<Candidate, Buffer> {
  return {
    async encode({ frame }) {
      try {
        return await encoder.encode(frame);
      } finally {
        release(frame);
      }
    },
    [Symbol.dispose]: () => encoder[Symbol.dispose](),
  };
}

/** In the year 2286: seconds have ten digits, as relays and recorders read them. */
const LAST_NS = 10n ** 19n;

function toPicture(jpeg: Buffer, { frame, seq, arrivedNs }: Candidate, marking?: string): Picture {
  const { width, height, stamp } = frame;
  const publishedAtNs = stamp && stamp.publishedAtNs < LAST_NS ? stamp.publishedAtNs : arrivedNs;
  const facts = {
    seq,
    width,
    height,
    publishedAt: Number(publishedAtNs / 1000n) / 1000,
    position: stamp ? exactNumber(stamp.positionUs) : null,
    latencyMs: ageMs(stamp),
    ...originOf(stamp),
    redacted: frame.redacted,
  };
  return new Picture(jpeg, facts, false, marking);
}
