import { hostCheck } from '../common/allowed-hosts.ts';
import type { ConfigOf } from '../common/env.ts';
import type { Check, CreateServer } from '../common/http.ts';
import type { Logger } from '../common/log.ts';
import { SecureServer } from '../common/secure-server.ts';
import { openAccess } from './access/access.ts';
import { Exposure } from './access/exposure.ts';
import { Guard } from './access/guard.ts';
import type { schema } from './config.ts';
import { Embedding } from './embedding.ts';
import { forbidCoreDump } from './no-core-dump.ts';
import { followCredentials, readCredentials } from './tls.ts';
import type { FileReports } from './watch-files.ts';

/** What stands between the network and the service. */
export interface Web {
  check: Check;
  guard: Guard;
  embedding: Embedding;
  /** Seconds for which a shared cache may keep a still. */
  stillSeconds: number;
  /** Makes the server, if it is to speak TLS. */
  createSecure: CreateServer | undefined;
}

/**
 * Reads certificate, users and keys, and follows their files until `signal` is aborted.
 *
 * @throws Fault `bad-configuration`
 */
export async function openWeb(
  config: ConfigOf<typeof schema>,
  log: Logger,
  files: FileReports,
  signal: AbortSignal,
): Promise<Web> {
  const { TLS_CERT_FILE, TLS_KEY_FILE, CLIENT_CA_FILE, CLIENT_CRL_FILE, VISUALIZER_HOST } = config;
  const tls = { TLS_CERT_FILE, TLS_KEY_FILE, CLIENT_CA_FILE, CLIENT_CRL_FILE };
  if (CLIENT_CA_FILE || TLS_KEY_FILE || config.USERS_FILE || config.ACCESS_KEY_FILE) forbidCoreDump();
  const credentials = await readCredentials(tls);
  const access = await openAccess(config, CLIENT_CA_FILE !== '', log, files, signal);
  // The images set WAIT_FOR_PORT, and listen on every address of their container.
  const listensOn = config.WAIT_FOR_PORT ? undefined : VISUALIZER_HOST;
  const exposure = access.required ? undefined : new Exposure(log, listensOn);
  return {
    check: hostCheck(config.ALLOWED_HOSTS, VISUALIZER_HOST),
    guard: new Guard(access, exposure),
    embedding: new Embedding(config),
    stillSeconds: access.required ? 0 : config.SNAPSHOT_CACHE_SECONDS,
    createSecure:
      credentials &&
      ((options, listener) => {
        const server = new SecureServer(credentials, options, listener);
        void followCredentials(tls, fresh => server.setCredentials(fresh), log, files, signal);
        return server;
      }),
  };
}
