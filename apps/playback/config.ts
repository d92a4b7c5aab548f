import {
  type About,
  bindHost,
  type ConfigOf,
  commonSchema,
  filePath,
  flag,
  optionalNumber,
  tcpPort,
  telemetrySchema,
  type Variable,
  variable,
  word,
} from '../common/env.ts';
import { WIRE_FORMATS } from '../common/pixels.ts';
import type { Wishes } from './clip.ts';
import { timePattern } from './file-time.ts';
import { readSize, type WantedSize } from './shape.ts';
import { isoTime } from './valid-times.ts';

export const schema = {
  DATA_FILE: filePath({
    default: './data/NOAA_GOES_17_satellite_imagery.mp4',
    desc: 'the clip: a video, a still that something overwrites, or a folder of pictures',
    example: '/clips/mine.mp4',
  }),
  PLAYBACK_HOST: bindHost({ default: '*', desc: 'where playback publishes' }),
  PLAYBACK_PORT: tcpPort({ default: 5555, desc: 'port playback publishes on' }),
  PLAYBACK_FPS: optionalNumber({
    // A frame in 17 minutes. Node's timers overflow at 25 days and then don't wait at all.
    above: 0.001,
    max: 1000,
    default: undefined,
    unset: "the clip's own",
    desc: 'frames a second',
    example: '10',
  }),
  PLAYBACK_SIZE: size({
    default: undefined,
    unset: "the clip's own",
    takes: 'a width (`1920x`), a height (`x1080`) or a fraction (`0.5`)',
    desc: 'size to which larger pictures are scaled before anything else sees them',
    example: '1920x',
  }),
  PLAYBACK_DEINTERLACE: word({
    oneOf: ['auto', 'off'] as const,
    default: 'auto',
    desc: 'whether pictures that are flagged as interlaced are deinterlaced',
  }),
  PLAYBACK_LOOP: flag({ default: true, desc: 'begin again at the end' }),
  PLAYBACK_DWELL: dwell({
    default: 0,
    desc: 'seconds to hold the last frame of a round, if that is longer than its own time',
    example: '3',
  }),
  PLAYBACK_WINDOW: optionalNumber({
    above: 0,
    max: 1_000_000,
    default: undefined,
    unset: 'all',
    desc: 'of a folder, this many newest pictures',
    example: '96',
  }),
  CLIP_TIME_PATTERN: pattern({
    default: undefined,
    unset: 'the usual forms',
    takes: 'as strftime: `%Y %m %d %j %H %M %S %s`',
    desc: 'how times are written in file names',
    example: '%Y%m%d_%H%M',
  }),
  CLIP_START: time({
    default: undefined,
    unset: 'unknown',
    takes: 'ISO 8601',
    desc: 'valid time of the first frame, unless `NAME.times.csv` beside the clip lists the times',
    example: '2017-10-21T18:06:17Z',
  }),
  CLIP_STEP: optionalNumber({
    above: 0,
    max: 31_622_400,
    default: undefined,
    unset: 'unknown',
    desc: 'seconds between the valid times of two frames',
    example: '300',
  }),
  WIRE_FORMAT: word({ oneOf: WIRE_FORMATS, default: 'i420', desc: 'how pixels are published' }),
  PLAYBACK_SECRET_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'file of the secret that a subscriber must know',
    example: '/run/secrets/noaa-playback',
  }),
  ...telemetrySchema,
  ...commonSchema,
};

export type SourceConfig = ConfigOf<typeof schema>;

/** Returns what the settings ask of the picture. */
export function wishesOf(config: SourceConfig): Wishes {
  return { size: config.PLAYBACK_SIZE, deinterlace: config.PLAYBACK_DEINTERLACE === 'auto' };
}

/** A time in Unix milliseconds. */
function time(about: About<number | undefined>): Variable<number | undefined> {
  return variable<number | undefined>(isoTime, about);
}

/** How a time is written in a file's name. */
function pattern(about: About<RegExp | undefined>): Variable<RegExp | undefined> {
  return variable<RegExp | undefined>(timePattern, about);
}

/** A size that keeps the picture's proportions. */
function size(about: About<WantedSize | undefined>): Variable<WantedSize | undefined> {
  return variable<WantedSize | undefined>(readSize, about);
}

/** Seconds from 0 to a day. */
function dwell(about: { default: number; desc: string; example: string }): Variable<number> {
  const longest = 86_400;
  return variable<number>(
    input => {
      const seconds = Number(input);
      if (!/^\+?(\d+\.?\d*|\.\d+)$/.test(input) || seconds > longest) {
        throw new Error(`must be a number of seconds from 0 to ${longest}`);
      }
      return seconds;
    },
    { takes: `0 to ${longest}`, ...about },
  );
}
