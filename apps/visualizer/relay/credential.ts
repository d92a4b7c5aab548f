import { readFile } from 'node:fs/promises';
import { asError, Fault } from '../../common/errors.ts';

const MOST_CHARACTERS = 1024;
/** What a bearer token is made of (RFC 6750, 2.1). */
const TOKEN = /^[\w.~+/-]+=*$/;

/** What a relay shows to its origin, and whom it believes to be it. */
export interface Credentials {
  /** The header `Authorization`, if there is one to send. */
  authorization: string | undefined;
  /** Certificates in PEM, which replace the system's; none for the system's. */
  ca: string | undefined;
}

/**
 * Reads both files anew, so that one that is replaced counts from the next connection on. `user:password` is sent as Basic,
 * anything else as a bearer token.
 *
 * @throws Fault `bad-configuration`, which never shows the credential
 */
export async function readCredentials(credentialFile: string, caFile: string): Promise<Credentials> {
  return { authorization: await readAuthorization(credentialFile), ca: await readCertificates(caFile) };
}

async function readAuthorization(path: string): Promise<string | undefined> {
  if (path === '') return undefined;
  const text = (await read('SOURCE_CREDENTIAL_FILE', path)).replace(/\r?\n$/, '');
  const isPair = /^[^:\p{C}]+:[^\p{C}]+$/u.test(text);
  if (text.length > MOST_CHARACTERS || !(isPair || TOKEN.test(text))) {
    throw wrong(
      'SOURCE_CREDENTIAL_FILE',
      path,
      `is not one line of user:password or a token, of at most ${MOST_CHARACTERS} characters`,
    );
  }
  return isPair ? `Basic ${Buffer.from(text).toString('base64')}` : `Bearer ${text}`;
}

async function readCertificates(path: string): Promise<string | undefined> {
  if (path === '') return undefined;
  const text = await read('SOURCE_CA_FILE', path);
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw wrong(
      'SOURCE_CA_FILE',
      path,
      'has no certificate in PEM; set it to the one that signed the origin’s',
    );
  return text;
}

async function read(variable: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    const error = asError(thrown);
    const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`;
    throw wrong(variable, path, `${why}; set it to a file, or to nothing for none`, { cause: error });
  }
}

const wrong = (variable: string, path: string, what: string, options?: ErrorOptions) =>
  new Fault('bad-configuration', `${variable}=${JSON.stringify(path)} ${what}`, options);
