import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { asError, Fault } from '../../common/errors.ts';
import { writePrivate } from './users-file.ts';

/** What a token is for. One of a kind is never valid as another. */
export type Purpose = 'session' | 'link' | 'operator';

export interface Claims {
  /** Unix time in seconds from which on it is not valid. */
  expires: number;
  /** Random, so that no two tokens are equal. */
  id: string;
  /** The user's name, for a session of one. */
  user?: string;
  /** Ties a session to the password that it was opened with. */
  print?: string;
}

const KEY_BYTES = 32;
/** 128 bits of the HMAC-SHA-256, so that a link stays short enough for a small QR code. */
const MAC_BYTES = 16;
const LONGEST = 1024;

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);
export const newId = (): string => randomBytes(12).toString('base64url');

/** Signs tokens and checks them, with one key. A holder of the key can sign in as any user. */
export class Tokens {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  sign(purpose: Purpose, claims: Claims): string {
    const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${body}.${this.#mac(purpose, body).toString('base64url')}`;
  }

  /** Returns what a token says if we signed it for this purpose and it has not expired. */
  verify(purpose: Purpose, token: string): Claims | undefined {
    const [, body, mac] = (token.length <= LONGEST && /^([\w-]+)\.([\w-]{22})$/.exec(token)) || [];
    if (body === undefined || mac === undefined) return undefined;
    // The text is compared, because base64 has several texts for the same bytes.
    const wanted = Buffer.from(this.#mac(purpose, body).toString('base64url'));
    if (!timingSafeEqual(wanted, Buffer.from(mac))) return undefined;
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
    return claims.expires > nowSeconds() ? claims : undefined;
  }

  /** Returns a short digest of a secret that does not give it away. */
  print(secret: string): string {
    return createHmac('sha256', this.#key).update(`print\n${secret}`).digest('base64url').slice(0, 16);
  }

  #mac(purpose: Purpose, body: string): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose}\n${body}`).digest().subarray(0, MAC_BYTES);
  }
}

export const randomKey = (): Buffer => randomBytes(KEY_BYTES);

/**
 * Reads the key of a file: 64 hexadecimal digits.
 *
 * @throws Fault `bad-configuration`, which never shows the key
 */
export async function readKey(variable: string, path: string): Promise<Buffer> {
  const wrong = (what: string, options?: ErrorOptions) =>
    new Fault('bad-configuration', `${variable}=${JSON.stringify(path)} ${what}`, options);
  let text: string;
  try {
    text = (await readFile(path, 'latin1')).trim();
  } catch (thrown) {
    const error = asError(thrown);
    const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`;
    throw wrong(`${why}; the commands users and share make it`, { cause: error });
  }
  if (!/^[\da-f]{64}$/i.test(text))
    throw wrong('is not 64 hexadecimal digits; remove it, and the commands users and share make a new one');
  return Buffer.from(text, 'hex');
}

/** Returns the key of a file, which is made if it is not there. */
export async function readOrMakeKey(variable: string, path: string): Promise<Buffer> {
  try {
    return await readKey(variable, path);
  } catch (thrown) {
    const { cause } = thrown as { cause?: unknown };
    if (asError(cause).code !== 'ENOENT') throw thrown;
    const key = randomKey();
    await writePrivate(path, `${key.toString('hex')}\n`);
    return key;
  }
}
