import { Fault } from '../common/errors.ts';
import type { SourceConfig } from './config.ts';
import { fileTime } from './file-time.ts';
import type { FileVersion } from './file-version.ts';
import type { PictureDecoder } from './picture-decoder.ts';
import type { Opened } from './source.ts';

/** The file is looked at this often: a change is taken up within two seconds. */
const LOOK_MS = 300;
/** Unchanged for this long, and it has been written. */
const SETTLED_MS = 200;
/** A file that has changed this recently is still being written. */
const WRITING_MS = 2000;
/** A program that writes a picture for longer than this has given up. */
const LONGEST_WRITING_MS = 10_000;
/** For the decoder: one picture needs one thread. */
const FPS = 1;

/**
 * Opens DATA_FILE as a still picture that something may overwrite at any time.
 *
 * @throws Fault if it is not whole or does not decode
 */
export async function openStill(
  config: SourceConfig,
  decoder: PictureDecoder,
  version: FileVersion,
): Promise<Opened> {
  const path = config.DATA_FILE;
  const openedMs = performance.now();
  let shown = await version.now();
  let message = await decodeStill(path, decoder);
  const [width, height] = [Number(message.readBigUInt64BE(0)), Number(message.readBigUInt64BE(8))];
  return {
    summary: `playing a still of ${width}×${height}, and each that takes its place`,
    facts: { clip: path, width, height, format: config.WIRE_FORMAT },
    async *cues(fromUs) {
      const validAtMs = fileTime(path, config.CLIP_TIME_PATTERN) ?? config.CLIP_START;
      const frame = () => {
        // The time since the start tells two pictures apart, as a position in a clip does.
        const positionUs = (performance.now() - openedMs) * 1000;
        return { message, positionUs, dueUs: fromUs + positionUs, anew: true, validAtMs };
      };
      yield frame();
      let newest = shown;
      /** When the file first and last changed since the picture that is shown. */
      let [firstMs, lastMs] = [0, 0];
      for (;;) {
        yield { holdMs: LOOK_MS };
        const now = await version.now();
        if (now === undefined || now === shown) continue;
        if (now !== newest) {
          lastMs = performance.now();
          if (newest === shown) firstMs = lastMs;
          newest = now;
          yield { holdMs: SETTLED_MS };
          if ((await version.now()) !== now) continue;
        }
        try {
          message = await decodeStill(path, decoder);
          // It was whole before and after.
          if ((await version.now()) !== now) continue;
        } catch (thrown) {
          const nowMs = performance.now();
          const isWritten = nowMs - lastMs < WRITING_MS && nowMs - firstMs < LONGEST_WRITING_MS;
          if (!(thrown instanceof Fault) || now === 'ENOENT' || !isWritten) throw thrown;
          continue;
        }
        shown = now;
        newest = now;
        yield frame();
      }
    },
  };
}

/** @throws Fault `bad-clip` */
async function decodeStill(path: string, decoder: PictureDecoder): Promise<Buffer> {
  let why = 'does not decode';
  for await (const { message } of decoder.decode([path], FPS, (_, reason) => (why = reason))) return message;
  const remedy = why.includes('; ') ? '' : '; set it to a whole picture or video';
  throw new Fault('bad-clip', why.startsWith('DATA_FILE ') ? why : `DATA_FILE ${path} ${why}${remedy}`);
}
