import { readFile } from 'node:fs/promises';
import { asError, Fault } from './errors.ts';

/** What every client of a socket with a secret calls itself: the secret alone decides. */
export const USERNAME = 'noaa';

const LEAST_BYTES = 16;
/** ZMTP allows 255. */
const MOST_BYTES = 128;
const MAKE = "make one with: head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n'";

/**
 * Reads the secret that two services share: one line of printable ASCII in a file. Without a path there is none.
 *
 * @param variable the name of the setting, for messages, which never show the secret
 * @throws Fault `bad-configuration`
 */
export async function readSecret(variable: string, path: string): Promise<string | undefined> {
  if (path === '') return undefined;
  const wrong = (what: string, options?: ErrorOptions) =>
    new Fault('bad-configuration', `${variable}=${JSON.stringify(path)} ${what}`, options);
  let secret: string;
  try {
    secret = (await readFile(path, 'latin1')).replace(/\r?\n$/, '');
  } catch (thrown) {
    const error = asError(thrown);
    const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`;
    throw wrong(`${why}; set it to the file of the secret, or to nothing for none`, { cause: error });
  }
  if (!/^[\x21-\x7e]*$/.test(secret)) throw wrong(`holds more than one line of printable ASCII; ${MAKE}`);
  if (secret.length < LEAST_BYTES || secret.length > MOST_BYTES) {
    throw wrong(`holds ${secret.length} characters, not ${LEAST_BYTES} to ${MOST_BYTES}; ${MAKE}`);
  }
  return secret;
}
