import { type SourceConfig, wishesOf } from './config.ts';
import { decode } from './decode.ts';
import type { FileVersion } from './file-version.ts';
import { FrameNumbers } from './frame-numbers.ts';
import { checkMemory } from './memory.ts';
import { probe } from './probe.ts';
import { rounds } from './rounds.ts';
import type { Opened } from './source.ts';
import { withMeasuredTiming } from './timing.ts';
import { clipTimes } from './valid-times.ts';

export interface PlayEvents {
  /** A part did not decode, in ffmpeg's words. */
  damaged(line: string): void;
  /** A round has ended. */
  passed(): void;
}

/**
 * Opens DATA_FILE as a clip.
 *
 * @throws Fault if it can't be played
 */
export async function openClip(
  config: SourceConfig,
  version: FileVersion,
  events: PlayEvents,
  signal: AbortSignal,
): Promise<Opened> {
  const opened = await version.now();
  const probed = await probe(config.DATA_FILE, signal, undefined, wishesOf(config));
  checkMemory(probed, config.WIRE_FORMAT);
  const clip = await withMeasuredTiming(probed, signal);
  const times = await clipTimes(config.DATA_FILE, {
    startMs: config.CLIP_START,
    stepSeconds: config.CLIP_STEP,
  });
  const { PLAYBACK_FPS: fps, PLAYBACK_LOOP: loop, WIRE_FORMAT: format } = config;
  const { path, width, height } = clip;
  const rate = fps ?? 1e6 / clip.intervalUs;
  return {
    summary: `playing ${width}×${height} at ${rate.toFixed(2)} frames a second`,
    facts: { clip: path, width, height, format },
    async *cues(fromUs) {
      const numbers = new FrameNumbers(clip.intervalUs);
      const damaged = (line: string) => {
        numbers.damaged();
        events.damaged(line);
      };
      const start = () => decode(clip, format, signal, { fps, damaged });
      const played = rounds(start, {
        loop,
        fps,
        fromUs,
        dwellUs: config.PLAYBACK_DWELL * 1e6,
        intervalUs: clip.intervalUs,
        durationUs: clip.durationUs,
        endUs: clip.endUs,
        // Storage that does not answer says nothing of the file.
        unchanged: async () => [opened, undefined].includes(await version.now()),
        passed: () => events.passed(),
      });
      for (;;) {
        const { value, done } = await played.next();
        if (done) return loop ? value : undefined;
        if ('dueUs' in value) yield { ...value, validAtMs: times.at(numbers.of(value)) };
        else yield value;
      }
    },
  };
}
