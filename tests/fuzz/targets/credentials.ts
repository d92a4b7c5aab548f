import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { pino } from 'pino';
import { Fault } from '../../../apps/common/errors.ts';
import { inheritedSockets } from '../../../apps/common/inherited-sockets.ts';
import { Agreement } from '../../../apps/visualizer/access/agreement.ts';
import { Proxies } from '../../../apps/visualizer/access/client-address.ts';
import { readCookies } from '../../../apps/visualizer/access/cookies.ts';
import { EndedSessions } from '../../../apps/visualizer/access/ended-sessions.ts';
import { HASH_OF_NOBODY } from '../../../apps/visualizer/access/password.ts';
import { addressKey } from '../../../apps/visualizer/access/throttle.ts';
import { type Purpose, readKey, Tokens } from '../../../apps/visualizer/access/tokens.ts';
import { readUsers } from '../../../apps/visualizer/access/users-file.ts';
import { readCredentials as readOrigins } from '../../../apps/visualizer/relay/credential.ts';
import { readCredentials } from '../../../apps/visualizer/tls.ts';
import { makePair, writeRevocations } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/clips.ts';
import type { Target } from '../engine.ts';
import { withNothing } from './helpers.ts';

const TOKENS = new Tokens(Buffer.alloc(32, 7));
const PURPOSES: Purpose[] = ['session', 'link', 'operator'];
const CLAIMS = { expires: 4e9, id: 'fuzz', user: 'anna' };
const PROXIES = new Proxies(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);
const AGREEMENT = new Agreement('For official use.', 3600);

/** The input is the headers of a request whose peer may be a trusted proxy; a line of text more is its path. */
function readsRequest(input: Buffer): void {
  const lines = input.toString('latin1').split('\r\n');
  const rawHeaders = lines.flatMap(line => {
    const [, name, value] = /^([\w-]+): ?(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [name, value ?? ''];
  });
  const socket = { remoteAddress: '127.0.0.1' };
  const request = { rawHeaders, socket, url: lines.at(-1), headers: {} } as unknown as IncomingMessage;
  const address = PROXIES.clientOf(request);
  assert.ok(isIP(address) !== 0, address);
  assert.ok(addressKey(address).length > 0);
  AGREEMENT.isMissing(request, { address, by: 'password', isValid: () => true }, PROXIES.isSecure(request));
  for (const secure of [false, true]) {
    for (const cookie of readCookies(request, secure)) {
      for (const purpose of PURPOSES) {
        const claims = TOKENS.verify(purpose, cookie);
        // Nothing but what was signed for this purpose.
        if (claims) assert.equal(cookie, TOKENS.sign(purpose, CLAIMS));
      }
    }
  }
}

/** A Fault is an answer, and never shows what is in the file. */
async function orFault(reading: Promise<unknown>): Promise<void> {
  try {
    await reading;
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, `${(thrown as Error).stack}`);
    assert.doesNotMatch(thrown.message, /\n/);
  }
}

async function openFiles() {
  const folder = await temporaryFolder();
  const path = `${folder.path}/file`;
  const log = pino({ level: 'silent' });
  return {
    async run(input: Buffer) {
      await writeFile(path, input);
      await orFault(readUsers('USERS_FILE', path));
      await orFault(readKey('ACCESS_KEY_FILE', path));
      await orFault(readOrigins(path, path));
      const environment = { LISTEN_FDS: input.toString('latin1').replaceAll('\0', ''), LISTEN_PID: '1' };
      try {
        assert.ok(inheritedSockets(environment, 1).every(fd => fd >= 3 && fd < 100));
      } catch (thrown) {
        assert.ok(thrown instanceof Fault, `${thrown}`);
      }
      const ended = await EndedSessions.open(path, log);
      assert.equal(ended.has('no-such-session0'), false);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** The parts of an input, between NULs: certificate, key, authority, list of what it has revoked. */
const TLS_FILES = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'CLIENT_CA_FILE', 'CLIENT_CRL_FILE'] as const;

async function openCertificates() {
  const folder = await temporaryFolder();
  return {
    async run(input: Buffer) {
      const parts = input.toString('latin1').split('\0');
      const files = Object.fromEntries(
        TLS_FILES.map((name, at) => [name, parts[at] ? `${folder.path}/${name}` : '']),
      ) as Record<(typeof TLS_FILES)[number], string>;
      for (const [at, name] of TLS_FILES.entries())
        if (files[name]) await writeFile(files[name], parts[at]!, 'latin1');
      await orFault(readCredentials(files));
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

export const credentials: Target[] = [
  {
    name: 'cookie',
    files: /apps\/visualizer\/access\/(tokens|cookies|client-address|agreement)\.ts$/,
    seeds: () => [
      ...PURPOSES.map(purpose =>
        Buffer.from(
          `Cookie: a=b; noaa=${TOKENS.sign(purpose, CLAIMS)}\r\nX-Forwarded-For: 10.1.2.3, ::1\r\n/`,
        ),
      ),
      Buffer.from(
        `Cookie: __Host-noaa=${TOKENS.sign('session', CLAIMS)}\r\nX-Forwarded-Proto: https\r\n/?consent=yes`,
      ),
      Buffer.from('X-Forwarded-For: [fd00::2]:443, 192.0.2.7:80, ::ffff:10.0.0.1\r\nX-Consent: yes\r\n/x'),
      Buffer.from('Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: cross-site\r\n/x'),
    ],
    dictionary: [
      '\r\nCookie: ',
      '; noaa=',
      'noaa-consent=',
      '\r\nX-Forwarded-For: ',
      ', ',
      '%eth0',
      '::ffff:',
    ],
    maxBytes: 2048,
    limitMs: 100,
    open: withNothing(async input => readsRequest(input)),
  },
  {
    name: 'access-files',
    files:
      /apps\/visualizer\/(access\/(users-file|ended-sessions)|relay\/credential)\.ts$|apps\/common\/inherited-sockets\.ts$/,
    seeds: () =>
      [
        `# Who may watch\nanna:${HASH_OF_NOBODY}\nben:${HASH_OF_NOBODY}\n`,
        `${'0a'.repeat(32)}\n`,
        '4000000000 abcdefghijklmnop\n4000000001 ABCDEFGHIJKLMNOP\n',
        'anna:correct horse\n',
        'token-._~+/==\n',
        '-----BEGIN CERTIFICATE-----\n',
        '3',
      ].map(one => Buffer.from(one)),
    dictionary: ['\n', ':', '$argon2id$v=19$m=', ',t=', ',p=', '$', '#', '4000000000 ', '\r\n'],
    maxBytes: 2048,
    limitMs: 100,
    open: openFiles,
  },
  {
    name: 'certificate',
    files: /apps\/visualizer\/tls\.ts$/,
    async seeds() {
      await using folder = await temporaryFolder();
      const [own, authority] = [await makePair(folder.path, 'own'), await makePair(folder.path, 'ca')];
      const list = `${folder.path}/list`;
      await writeRevocations(list, authority, own);
      const texts = [own.cert, await readFile(own.keyFile, 'latin1'), authority.cert];
      const crl = await readFile(list, 'latin1');
      return [texts.slice(0, 2), texts, [...texts, crl]].map(parts =>
        Buffer.from(parts.join('\0'), 'latin1'),
      );
    },
    dictionary: ['\0', '-----BEGIN CERTIFICATE-----\n', '-----END X509 CRL-----', '=', 'MII'],
    maxBytes: 8192,
    isUnkept: true,
    limitMs: 500,
    open: openCertificates,
  },
];
