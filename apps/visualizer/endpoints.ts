import type { Endpoint } from '../common/endpoint.ts';
import type { ConfigOf } from '../common/env.ts';
import { readSecret } from '../common/secret.ts';
import type { schema } from './config.ts';

/**
 * Returns where frames come from and where HTTP is served.
 *
 * @throws Fault `bad-configuration` if the secret can't be read
 */
export async function endpoints(
  config: ConfigOf<typeof schema>,
  onTaken: Endpoint['onTaken'],
): Promise<{ redactor: Endpoint; web: Endpoint }> {
  return {
    redactor: {
      host: config.REDACTOR_HOST,
      port: config.REDACTOR_PORT,
      variable: 'REDACTOR_PORT',
      // A relay has no business with it.
      secret: config.SOURCE_URL
        ? undefined
        : await readSecret('REDACTOR_SECRET_FILE', config.REDACTOR_SECRET_FILE),
    },
    web: {
      host: config.VISUALIZER_HOST,
      port: config.VISUALIZER_PORT,
      variable: 'VISUALIZER_PORT',
      onTaken,
    },
  };
}
