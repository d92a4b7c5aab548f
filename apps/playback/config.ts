import {
  bindHost,
  commonSchema,
  filePath,
  flag,
  optionalNumber,
  tcpPort,
  telemetrySchema,
  word,
} from '../common/env.ts';
import { WIRE_FORMATS } from '../common/pixels.ts';

export const schema = {
  DATA_FILE: filePath({
    default: './data/NOAA_GOES_17_satellite_imagery.mp4',
    desc: 'the clip',
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
  PLAYBACK_LOOP: flag({ default: true, desc: 'begin again at the end' }),
  WIRE_FORMAT: word({ oneOf: WIRE_FORMATS, default: 'i420', desc: 'how pixels are published' }),
  ...telemetrySchema,
  ...commonSchema,
};
