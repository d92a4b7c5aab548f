import {
  allowedHostsSchema,
  type ConfigOf,
  commonSchema,
  connectHost,
  filePath,
  flag,
  httpHost,
  integer,
  tcpPort,
} from '../common/env.ts';
import { memoryLimit } from '../common/memory.ts';
import { accessSchema } from './access/config.ts';
import type { BroadcastLimits } from './broadcast.ts';
import { embeddingSchema } from './embedding.ts';
import { markingSchema } from './marking.ts';
import { sourceUrl } from './relay/source-url.ts';
import { sector } from './sector.ts';

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
  VIEWERS_PER_ADDRESS: integer({
    min: 0,
    max: 10_000,
    default: 0,
    unset: 'all, until others want them',
    desc: 'of those, from one address (of IPv6, one /64); 0 lets one have all until others want them',
  }),
  VIEWERS_PER_USER: integer({
    min: 0,
    max: 10_000,
    default: 0,
    unset: 'all, until others want them',
    desc: 'of those, of one user; 0 lets one have all until others want them',
  }),
  DRAIN_SECONDS: integer({
    min: 0,
    max: 600,
    default: 0,
    desc: 'seconds over which viewers are asked to reconnect, one after the other, before SIGTERM ends it',
  }),
  LOOP_MB: integer({
    min: 0,
    max: 1_048_576,
    default: 256,
    desc: 'megabytes of pictures kept for loops; 0 turns the history off',
  }),
  LOOP_FRAMES: integer({
    min: 0,
    max: 1_000_000,
    default: 600,
    desc: 'pictures kept for loops; 0 turns the history off',
  }),
  SNAPSHOT_CACHE_SECONDS: integer({
    min: 0,
    max: 3600,
    default: 0,
    unset: 'none',
    desc: 'seconds for which a shared cache or a CDN may answer `/snapshot.jpg` for everybody; not where viewers log in',
  }),
  CLIP_SECTOR: sector({ desc: 'where the picture lies, for latitude and longitude on the page' }),
  ALLOW_UNMARKED_FRAMES: flag({
    default: false,
    desc: 'show frames that are not marked as redacted, for a redactor other than ours',
  }),
  REDACTOR_SECRET_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'file of the secret that the redactor asks for',
    example: '/run/secrets/noaa-redactor',
  }),
  ...accessSchema,
  ...markingSchema,
  ...embeddingSchema,
  SOURCE_URL: sourceUrl({
    desc: 'stream of another visualizer, which this one relays instead of watching a redactor',
  }),
  SOURCE_CREDENTIAL_FILE: filePath({
    default: '',
    unset: 'none',
    desc: 'file of what a relay shows to be let in: `user:password`, or a token',
    example: '/run/secrets/noaa-source',
  }),
  SOURCE_CA_FILE: filePath({
    default: '',
    unset: "the system's",
    desc: 'certificates by which a relay knows the visualizer that it watches',
    example: '/run/secrets/noaa-source-ca.pem',
  }),
  ...allowedHostsSchema,
  ...commonSchema,
};

/** Viewers that do not keep up may hold this part of the memory there is. */
const HELD_PART = 1 / 8;

/** Returns the limits of viewers; 0 is none of its own. */
export function placesOf(config: ConfigOf<typeof schema>): BroadcastLimits {
  const max = config.MAX_VIEWERS;
  const none = Number.POSITIVE_INFINITY;
  return {
    max,
    perAddress: config.VIEWERS_PER_ADDRESS || none,
    perUser: config.VIEWERS_PER_USER || none,
    heldBytes: memoryLimit() * HELD_PART,
  };
}
