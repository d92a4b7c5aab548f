import { Fault } from '../common/errors.ts';
import { versionOf } from '../common/file-version.ts';
import type { PlayEvents } from './clip-source.ts';
import type { SourceConfig } from './config.ts';
import type { DecodedFrame, Decoding, Outcome } from './decode.ts';
import type { ImageEntry, ImageFolder } from './image-folder.ts';
import type { PictureDecoder } from './picture-decoder.ts';
import { LEAD_US, rounds } from './rounds.ts';
import type { Opened } from './source.ts';

/** If PLAYBACK_FPS does not say. */
const DEFAULT_FPS = 10;
/** Pictures of which a fault was reported, so that each is named once. */
const NAMED = 1000;

interface FolderFrame extends DecodedFrame {
  entry: ImageEntry;
}

export interface FolderEvents extends PlayEvents {
  /** A picture is not shown, or is not like the others. */
  odd(sentence: string): void;
  /** A picture is passed over in this round. */
  leftOut(): void;
}

/**
 * Opens DATA_FILE as a folder of pictures: plays the newest ones as a loop, and looks again what they are for each round.
 *
 * @throws Fault if there is none that can be played
 */
export async function openFolder(
  config: SourceConfig,
  folder: ImageFolder,
  decoder: PictureDecoder,
  events: FolderEvents,
  names: OddNames,
  signal: AbortSignal,
): Promise<Opened> {
  const { DATA_FILE: path, PLAYBACK_FPS: fps = DEFAULT_FPS, PLAYBACK_LOOP: loop } = config;
  const entries = await folder.newest();
  const intervalUs = 1e6 / fps;
  const durationUs = entries.length * intervalUs;
  const versions = async () => {
    const newest = await folder.newest().catch(() => []);
    return (await Promise.all(newest.map(entry => versionOf(entry.path)))).join();
  };
  // Only a short loop is kept and asks for it; of a long one every round looks for itself.
  const opened = durationUs <= LEAD_US ? await versions() : undefined;
  const validAtMs = ({ validAtMs: named, ordinal }: ImageEntry) =>
    named ??
    (config.CLIP_START === undefined
      ? undefined
      : Math.round(config.CLIP_START + ordinal * (config.CLIP_STEP ?? 0) * 1000));
  return {
    summary: `playing ${entries.length} pictures at ${fps.toFixed(2)} frames a second`,
    facts: { clip: path, pictures: entries.length, format: config.WIRE_FORMAT },
    async *cues(fromUs) {
      const start = () => new FolderDecoding(folder, decoder, fps, names, signal);
      const cues = rounds(start, {
        loop,
        fps,
        fromUs,
        intervalUs,
        dwellUs: config.PLAYBACK_DWELL * 1e6,
        durationUs,
        keptUnchanged: async () => (await versions()) === opened,
        passed: () => events.passed(),
      });
      for (;;) {
        const { value, done } = await cues.next();
        if (done) return loop ? value : undefined;
        if (!('dueUs' in value)) {
          yield value;
          continue;
        }
        const { entry } = value as typeof value & FolderFrame;
        // A picture keeps its position while others come and go.
        yield { ...value, positionUs: entry.ordinal * intervalUs, validAtMs: validAtMs(entry) };
      }
    },
  };
}

/** One round over the pictures that are there when it begins. */
class FolderDecoding implements Decoding {
  outcome: Outcome | undefined;
  readonly #folder: ImageFolder;
  readonly #decoder: PictureDecoder;
  readonly #fps: number;
  readonly #names: OddNames;
  readonly #signal: AbortSignal;
  readonly #frames: AsyncGenerator<FolderFrame>;
  #first: Promise<IteratorResult<FolderFrame>> | undefined;
  readonly #stop = new AbortController();

  constructor(
    folder: ImageFolder,
    decoder: PictureDecoder,
    fps: number,
    names: OddNames,
    signal: AbortSignal,
  ) {
    this.#folder = folder;
    this.#decoder = decoder;
    this.#fps = fps;
    this.#names = names;
    this.#signal = signal;
    this.#frames = this.#decode();
    // Under way from now on, as a clip's decoder is.
    this.#first = this.#frames.next();
    this.#first.catch(() => {});
  }

  readonly stop = (): void => {
    this.#stop.abort();
    void this.#frames.return(undefined).catch(() => {});
  };

  async *[Symbol.asyncIterator](): AsyncGenerator<FolderFrame> {
    for (;;) {
      const { value, done } = await (this.#first ?? this.#frames.next());
      this.#first = undefined;
      if (done) return;
      yield value;
    }
  }

  async *#decode(): AsyncGenerator<FolderFrame> {
    const entries = await this.#folder.newest();
    this.#names.begin();
    const byPath = new Map(entries.map(entry => [entry.path, entry]));
    let why = '';
    const skipped = (path: string, reason: string) => {
      why = `${byPath.get(path)?.name} ${reason.replace(`DATA_FILE ${path} `, '')}`;
      this.#names.report(path, `${why}: it is left out`);
      this.#names.leftOut();
    };
    let shape: string | undefined;
    let index = 0;
    const paths = entries.map(({ path }) => path);
    const pictures = this.#decoder.decode(paths, this.#fps, skipped, this.#stop.signal);
    for await (const { message, number } of pictures) {
      const entry = entries[number]!;
      const own = `${message.readBigUInt64BE(0)}×${message.readBigUInt64BE(8)}`;
      shape ??= own;
      if (own !== shape)
        this.#names.report(entry.path, `${entry.name} is ${own}, and the first picture ${shape}`);
      yield { message, entry, positionUs: (index * 1e6) / this.#fps };
      index += 1;
    }
    if (this.#stop.signal.aborted || this.#signal.aborted) return;
    this.outcome = 'whole';
    if (index > 0) return;
    throw new Fault(
      'bad-clip',
      `DATA_FILE has no picture that plays (${why}); set it to a folder of whole pictures`,
    );
  }
}

/** Reports each fault of a folder once, also when that is opened anew. */
export class OddNames {
  readonly #events: Pick<FolderEvents, 'odd' | 'leftOut'>;
  /** By path, the one that was seen longest ago first. */
  readonly #reported = new Map<string, { sentence: string; round: number }>();
  #round = 0;
  #isFull = false;

  constructor(events: Pick<FolderEvents, 'odd' | 'leftOut'>) {
    this.#events = events;
  }

  leftOut(): void {
    this.#events.leftOut();
  }

  /** A round over the folder begins. */
  begin(): void {
    this.#round += 1;
  }

  report(path: string, sentence: string): void {
    const before = this.#reported.get(path);
    this.#reported.delete(path);
    const [oldest] = this.#reported;
    if (oldest && this.#reported.size >= NAMED) {
      // Those of the last round come again in this one.
      if (oldest[1].round >= this.#round - 1) {
        if (!this.#isFull)
          this.#events.odd(
            `more than ${NAMED} pictures are not shown, or not like the others: the rest is not named`,
          );
        this.#isFull = true;
        return;
      }
      this.#reported.delete(oldest[0]);
    }
    this.#reported.set(path, { sentence, round: this.#round });
    if (before?.sentence !== sentence) this.#events.odd(sentence);
  }
}
