import { commonSchema, connectHost, flag, httpHost, integer, tcpPort } from '../common/env.ts';

export const schema = {
  REDACTOR_HOST: connectHost({ default: 'localhost', desc: 'where the redactor publishes' }),
  REDACTOR_PORT: tcpPort({ default: 5556, desc: 'port of the redactor' }),
  VISUALIZER_HOST: httpHost({ default: '127.0.0.1', desc: 'where HTTP is served' }),
  VISUALIZER_PORT: tcpPort({ default: 8050, desc: 'port HTTP is served on' }),
  JPEG_QUALITY: integer({ min: 1, max: 100, default: 85, desc: 'quality of the JPEGs' }),
  MAX_VIEWERS: integer({
    min: 1,
    max: 10_000,
    default: 200,
    desc: 'viewers served at once; one more gets 503',
  }),
  ALLOW_UNMARKED_FRAMES: flag({
    default: false,
    desc: 'show frames that are not marked as redacted, for a redactor other than ours',
  }),
  ...commonSchema,
};
