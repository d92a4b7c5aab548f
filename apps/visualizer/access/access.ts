import { access as mayOpen } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { ConfigOf } from '../../common/env.ts';
import { Fault } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { readSecret } from '../../common/secret.ts';
import { markingOf, type markingSchema } from '../marking.ts';
import type { FileReports } from '../watch-files.ts';
import { Agreement } from './agreement.ts';
import { authorizationOf, basicCredentials, bearerToken } from './authorization.ts';
import { headerValues, Proxies } from './client-address.ts';
import type { accessSchema } from './config.ts';
import { readConsent } from './consent.ts';
import { readCookies } from './cookies.ts';
import { EndedSessions, endedFileOf } from './ended-sessions.ts';
import { keyFileOf } from './key-file.ts';
import { LiveUsers } from './live-users.ts';
import type { Notice } from './login-page.ts';
import { operatorTokens } from './operator-token.ts';
import { Passwords } from './passwords.ts';
import { Sessions } from './sessions.ts';
import { randomKey, readKey, Tokens } from './tokens.ts';
import type { Who } from './who.ts';

/** What is known of a request's sender, or why it is not let in. */
export type Found =
  | { who: Who }
  | { refused: 'unknown' }
  | { refused: 'busy'; waitMs: number }
  | { refused: 'ambiguous' };

interface Parts {
  proxies: Proxies;
  userHeader: string;
  certificates: boolean;
  users: LiveUsers | undefined;
  tokens: Tokens | undefined;
  operator: Tokens | undefined;
  sessions: Sessions | undefined;
  metricsToken: string | undefined;
  notice: Notice;
  agreement: Agreement;
}

/** Finds out who sends a request, by whatever means are configured. Without any, everybody may watch. */
export class Access {
  readonly proxies: Proxies;
  readonly sessions: Sessions | undefined;
  readonly passwords: Passwords | undefined;
  readonly metricsToken: string | undefined;
  /** What the login page shows besides its form. */
  readonly notice: Notice;
  readonly agreement: Agreement;
  /** Whether a request needs to show who sends it. */
  readonly required: boolean;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.proxies = parts.proxies;
    this.metricsToken = parts.metricsToken;
    this.notice = parts.notice;
    this.agreement = parts.agreement;
    this.passwords = parts.users && new Passwords(parts.users);
    this.sessions = parts.sessions;
    this.required = !!(parts.users || parts.tokens || parts.certificates || parts.userHeader);
  }

  /** Returns whether the operator of this machine sends a request, with a token of the last minute. */
  isOperator(request: IncomingMessage): boolean {
    return this.#parts.operator?.verify('operator', bearerToken(request)) !== undefined;
  }

  async identify(request: IncomingMessage): Promise<Found> {
    const address = this.proxies.clientOf(request);
    if (!this.required) return { who: { address, by: 'nobody asks', isValid: always } };
    return (
      this.#byProxy(request, address) ??
      this.#byCertificate(request, address) ??
      this.#byCookie(request, address) ??
      (await this.#byAuthorization(request, address)) ?? { refused: 'unknown' }
    );
  }

  /** Only a trusted proxy's header counts; anybody else's is as if it were not there. */
  #byProxy(request: IncomingMessage, address: string): Found | undefined {
    const { userHeader } = this.#parts;
    if (userHeader === '' || !this.proxies.sent(request)) return undefined;
    const names = headerValues(request, userHeader);
    if (names.length === 0) return undefined;
    const [name = ''] = names;
    // Two names: one may be the client's own, which the proxy has let through.
    if (names.length > 1 || !/^[\x21-\x7e]{1,128}$/.test(name)) return { refused: 'ambiguous' };
    return { who: { address, user: name, by: 'proxy', isValid: always } };
  }

  #byCertificate({ socket }: IncomingMessage, address: string): Found | undefined {
    const tls = socket as TLSSocket;
    if (!this.#parts.certificates || !tls.authorized) return undefined;
    const { subject, valid_to: validTo } = tls.getPeerCertificate();
    const [name] = [subject?.CN].flat();
    if (!name) return undefined;
    const user = name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').slice(0, 128);
    const expires = Date.parse(validTo);
    return { who: { address, user, by: 'certificate', isValid: () => Date.now() < expires } };
  }

  #byCookie(request: IncomingMessage, address: string): Found | undefined {
    for (const cookie of readCookies(request, this.proxies.isSecure(request))) {
      const session = this.sessions?.find(cookie);
      if (session)
        return { who: { address, by: session.user === undefined ? 'link' : 'session', ...session } };
    }
    return undefined;
  }

  async #byAuthorization(request: IncomingMessage, address: string): Promise<Found | undefined> {
    const offered = authorizationOf(request);
    if (offered === 'ambiguous') return { refused: 'ambiguous' };
    if (!offered) return undefined;
    if (offered.scheme === 'bearer') {
      const claims = this.#parts.operator?.verify('operator', offered.value);
      const isValid = () => claims !== undefined && claims.expires * 1000 > Date.now();
      return claims && { who: { address, user: 'operator', by: 'operator', isValid } };
    }
    const [user, password] = basicCredentials(offered.value);
    if (!this.passwords || user === undefined || password === undefined) return undefined;
    const verdict = await this.passwords.check(address, user, password);
    if (!verdict.right) return verdict.waitMs > 0 ? { refused: 'busy', waitMs: verdict.waitMs } : undefined;
    const hash = this.#parts.users?.hashOf(user);
    const isValid = () => hash !== undefined && this.#parts.users?.hashOf(user) === hash;
    return { who: { address, user, by: 'password', isValid } };
  }
}

const always = () => true;

type Config = ConfigOf<typeof accessSchema & typeof markingSchema> & { REDACTOR_SECRET_FILE: string };

/**
 * Reads what the settings name, and follows the users file until `signal` is aborted.
 *
 * @param certificates whether client certificates are asked for
 * @throws Fault `bad-configuration`
 */
export async function openAccess(
  config: Config,
  certificates: boolean,
  log: Logger,
  files: FileReports,
  signal: AbortSignal,
): Promise<Access> {
  const userHeader = config.TRUSTED_USER_HEADER;
  if (userHeader !== '' && config.TRUSTED_PROXIES.length === 0) {
    throw new Fault(
      'bad-configuration',
      `TRUSTED_USER_HEADER=${JSON.stringify(userHeader)} needs TRUSTED_PROXIES, or anybody could send it; set that to the proxy's address`,
    );
  }
  const users = config.USERS_FILE ? await LiveUsers.open(config.USERS_FILE, log, files, signal) : undefined;
  const lifeSeconds = config.SESSION_HOURS * 3600;
  const keyFile = await keyFileThere(config);
  const key = keyFile === undefined ? undefined : await readKey('ACCESS_KEY_FILE', keyFile);
  // Without a key of its own a restart ends every session.
  const tokens = key ? new Tokens(key) : users && new Tokens(randomKey());
  const ended =
    keyFile === undefined
      ? new EndedSessions()
      : await EndedSessions.open(config.ENDED_SESSIONS_FILE || endedFileOf(keyFile), log);
  const sessions = tokens && new Sessions({ tokens, users, lifeSeconds, ended });
  const consent = await readConsent(config.CONSENT_FILE);
  const access = new Access({
    proxies: new Proxies(config.TRUSTED_PROXIES),
    userHeader,
    certificates,
    users,
    tokens,
    operator: await operatorTokens({ secretFile: config.REDACTOR_SECRET_FILE, keyFile }),
    sessions,
    metricsToken: await readSecret('METRICS_TOKEN_FILE', config.METRICS_TOKEN_FILE),
    notice: { consent, marking: markingOf(config) },
    agreement: new Agreement(consent, lifeSeconds),
  });
  if (config.REQUIRE_AUTH && !access.required) {
    throw new Fault(
      'bad-configuration',
      'REQUIRE_AUTH=1 needs one of USERS_FILE, ACCESS_KEY_FILE, CLIENT_CA_FILE and TRUSTED_USER_HEADER, or anybody could watch',
    );
  }
  return access;
}

/** The key beside the users may be missing; one that is named may not. */
async function keyFileThere(config: Config): Promise<string | undefined> {
  const path = keyFileOf(config);
  if (path === '' || config.ACCESS_KEY_FILE) return path || undefined;
  return await mayOpen(path).then(
    () => path,
    () => undefined,
  );
}
