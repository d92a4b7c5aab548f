import type { Endpoint } from '../common/endpoint.ts';
import type { ConfigOf } from '../common/env.ts';
import { readSecret } from '../common/secret.ts';
import type { schema } from './config.ts';

type Config = ConfigOf<typeof schema>;

/** Returns where playback publishes, with the secret that it asks for. */
export async function playbackEndpoint(config: Config): Promise<Endpoint> {
  const secret = await readSecret('PLAYBACK_SECRET_FILE', config.PLAYBACK_SECRET_FILE);
  return { host: config.PLAYBACK_HOST, port: config.PLAYBACK_PORT, variable: 'PLAYBACK_PORT', secret };
}

/** Returns where to publish, with the secret to ask for. */
export async function outputEndpoint(config: Config): Promise<Endpoint> {
  const secret = await readSecret('REDACTOR_SECRET_FILE', config.REDACTOR_SECRET_FILE);
  return { host: config.REDACTOR_HOST, port: config.REDACTOR_PORT, variable: 'REDACTOR_PORT', secret };
}
