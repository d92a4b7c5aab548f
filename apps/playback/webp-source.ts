import { asError, Fault } from '../common/errors.ts';
import type { PlayEvents } from './clip-source.ts';
import { type SourceConfig, wishesOf } from './config.ts';
import type { FileVersion } from './file-version.ts';
import { readImage } from './image-file.ts';
import { checkMemory } from './memory.ts';
import { rounds } from './rounds.ts';
import type { Opened } from './source.ts';
import { clipTimes } from './valid-times.ts';
import { readAnimation } from './webp-animation.ts';
import { clipOf, WebpDecoding } from './webp-decoding.ts';

/**
 * Opens DATA_FILE as an animated WebP.
 *
 * @throws Fault if it can't be played
 */
export async function openWebp(
  config: SourceConfig,
  version: FileVersion,
  events: PlayEvents,
  signal: AbortSignal,
): Promise<Opened> {
  const { DATA_FILE: path, PLAYBACK_FPS: fps, PLAYBACK_LOOP: loop, WIRE_FORMAT: format } = config;
  const opened = await version.now();
  const { bytes, animation } = await readImage(path)
    .then(image => ({ bytes: image.bytes.length, animation: readAnimation(image.bytes) }))
    .catch(thrown => {
      const { message } = asError(thrown);
      throw new Fault('bad-clip', `DATA_FILE ${path} ${message}; set it to a whole picture or video`);
    });
  const clip = clipOf(path, animation, wishesOf(config));
  checkMemory(clip, format, undefined, bytes + CANVASES * animation.width * animation.height);
  const times = await clipTimes(path, { startMs: config.CLIP_START, stepSeconds: config.CLIP_STEP });
  const { width, height, intervalUs, durationUs, endUs } = clip;
  const rate = fps ?? 1e6 / intervalUs;
  return {
    summary: `playing ${width}×${height} at ${rate.toFixed(2)} frames a second`,
    facts: { clip: path, width, height, format },
    async *cues(fromUs) {
      const start = () =>
        new WebpDecoding(animation, clip, format, signal, { fps, damaged: line => events.damaged(line) });
      const played = rounds(start, {
        loop,
        fps,
        fromUs,
        dwellUs: config.PLAYBACK_DWELL * 1e6,
        intervalUs,
        durationUs,
        endUs,
        unchanged: async () => [opened, undefined].includes(await version.now()),
        passed: () => events.passed(),
      });
      for (;;) {
        const { value, done } = await played.next();
        if (done) return loop ? value : undefined;
        if ('dueUs' in value) yield { ...value, validAtMs: times.at(value.index ?? -1) };
        else yield value;
      }
    },
  };
}

/** Bytes a pixel of the canvas that composing takes, here and in the ffmpeg that decodes single pictures. */
const CANVASES = 40;
