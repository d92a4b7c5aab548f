import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** What OWASP's password storage cheat sheet recommends for Argon2id: 19 MiB, about 40 ms of one thread. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 32;
/** A users file may ask for no more than this, because each check takes that memory and time. */
const MOST_MEMORY_KIB = 65_536;
const MOST_PASSES = 10;

/** The PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$SALT$TAG`, both in base64 without padding. */
const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z\d+/]{11,86})\$([A-Za-z\d+/]{22,86})$/;

const derive = promisify(argon2);

interface Parameters {
  memory: number;
  passes: number;
  parallelism: number;
  nonce: Buffer;
  tag: Buffer;
}

/** Returns the salted Argon2id hash of a password as a PHC string. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(SALT_BYTES);
  const tag = await derive('argon2id', {
    message: bytesOf(password),
    nonce,
    memory: MEMORY_KIB,
    passes: PASSES,
    parallelism: LANES,
    tagLength: TAG_BYTES,
  });
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(nonce)}$${unpadded(tag)}`;
}

/** Returns whether the password is the one that was hashed. */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const parameters = parse(phc);
  if (!parameters) return false;
  const { tag, ...rest } = parameters;
  const found = await derive('argon2id', { message: bytesOf(password), tagLength: tag.length, ...rest });
  return timingSafeEqual(found, tag);
}

/** Returns whether a text is a hash that `verifyPassword` can check. */
export function isPasswordHash(phc: string): boolean {
  return parse(phc) !== undefined;
}

/** A hash of no password, so that an unknown user costs the same time as a wrong password. */
export const HASH_OF_NOBODY = `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(Buffer.alloc(SALT_BYTES))}$${unpadded(Buffer.alloc(TAG_BYTES))}`;

function parse(phc: string): Parameters | undefined {
  const [, memory, passes, parallelism, nonce = '', tag = ''] = PHC.exec(phc) ?? [];
  const numbers = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const fits =
    numbers.parallelism >= 1 &&
    numbers.memory >= 8 * numbers.parallelism &&
    numbers.memory <= MOST_MEMORY_KIB &&
    numbers.passes >= 1 &&
    numbers.passes <= MOST_PASSES;
  return fits
    ? { ...numbers, nonce: Buffer.from(nonce, 'base64'), tag: Buffer.from(tag, 'base64') }
    : undefined;
}

/** Two keyboards may compose the same letter in two ways. */
const bytesOf = (password: string) => Buffer.from(password.normalize('NFC'));

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
