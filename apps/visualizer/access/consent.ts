import { readFile } from 'node:fs/promises';
import { asError, Fault } from '../../common/errors.ts';

const MOST_BYTES = 8192;
/** Control characters but line ends and tabs, and what changes the direction of writing. */
const REFUSED = /[[\p{Cc}--[\n\t]]\u202a-\u202e\u2066-\u2069]/v;

/**
 * Returns the text that a person must agree to before a login; undefined if there is none.
 *
 * @throws Fault `bad-configuration`
 */
export async function readConsent(path: string): Promise<string | undefined> {
  if (path === '') return undefined;
  const fault = (what: string, cause?: Error) =>
    new Fault('bad-configuration', `CONSENT_FILE=${JSON.stringify(path)} ${what}`, { cause });
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    const error = asError(thrown);
    throw fault(`cannot be read (${error.message}); make it readable for this service, or unset it`, error);
  }
  if (bytes.length > MOST_BYTES) throw fault(`has ${bytes.length} bytes; shorten it to ${MOST_BYTES}`);
  const text = bytes.toString('utf8').replaceAll('\r\n', '\n').trim();
  if (text === '' || text.includes('\ufffd') || REFUSED.test(text))
    throw fault('must be plain text in UTF-8, without control characters; write it anew');
  return text;
}
