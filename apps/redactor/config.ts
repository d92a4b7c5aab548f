import {
  bindHost,
  commonSchema,
  connectHost,
  filePath,
  flag,
  integer,
  tcpPort,
  telemetrySchema,
} from '../common/env.ts';
import { MAX_SIDE } from '../common/pixels.ts';

export const schema = {
  PLAYBACK_HOST: connectHost({ default: 'localhost', desc: 'where playback publishes' }),
  PLAYBACK_PORT: tcpPort({ default: 5555, desc: 'port of playback' }),
  REDACTOR_HOST: bindHost({ default: '*', desc: 'where the redactor publishes' }),
  REDACTOR_PORT: tcpPort({ default: 5556, desc: 'port the redactor publishes on' }),
  REDACT_WIDTH: integer({
    min: 0,
    max: MAX_SIDE,
    default: 100,
    desc: 'width of the black border, in pixels; 0 needs a mask file',
  }),
  MASK_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'JSON mask that is covered besides the border',
    example: '/masks/mask.json',
  }),
  WAIT_FOR_MASK: flag({
    default: false,
    desc: 'if MASK_FILE is at fault at the start, publish nothing and say why until it is put right, instead of ending; the pod sets it',
  }),
  SETTINGS_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'a settings file of the pod, whose names are checked as well',
  }),
  PLAYBACK_SECRET_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'file of the secret that playback asks for',
    example: '/run/secrets/noaa-playback',
  }),
  REDACTOR_SECRET_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'file of the secret that a subscriber must know',
    example: '/run/secrets/noaa-redactor',
  }),
  ...telemetrySchema,
  ...commonSchema,
};
