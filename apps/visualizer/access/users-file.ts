import { randomBytes } from 'node:crypto';
import { chmod, lstat, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { asError, Fault } from '../../common/errors.ts';
import { isPasswordHash } from './password.ts';

/** Names are shown in the journal and in the log. */
const USER_NAME = /^[A-Za-z\d][A-Za-z\d._@-]{0,63}$/;
export const NAME_RULE = 'a letter or digit, then up to 63 letters, digits, dots, hyphens, underscores or @';
/** More than any list of viewers; the file is read whole. */
const MOST_BYTES = 1 << 20;
const HEADING = '# Who may watch: NAME:HASH, one user a line. The command users adds and removes them.\n';

export type Users = ReadonlyMap<string, string>;

export const isUserName = (name: string): boolean => USER_NAME.test(name);

/**
 * Reads the names and password hashes of a users file.
 *
 * @param variable the name of the setting, for messages, which never show a hash
 * @throws Fault `bad-configuration` in one sentence
 */
export async function readUsers(variable: string, path: string): Promise<Users> {
  const wrong = (what: string, options?: ErrorOptions) =>
    new Fault('bad-configuration', `${variable}=${JSON.stringify(path)} ${what}`, options);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    const error = asError(thrown);
    const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`;
    throw wrong(`${why}; the command users makes it: npm run users -- add NAME`, { cause: error });
  }
  if (text.length > MOST_BYTES) throw wrong(`holds ${text.length} bytes, more than ${MOST_BYTES}`);
  const users = new Map<string, string>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const where = `has a line ${at + 1}`;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!isUserName(name)) throw wrong(`${where} without a name before a colon; a name is ${NAME_RULE}`);
    if (!isPasswordHash(line.slice(colon + 1)))
      throw wrong(
        `${where} whose hash is not Argon2id of usual cost; set the password again with the command users`,
      );
    if (users.has(name)) throw wrong(`${where} that lists a user again; keep one of the two lines`);
    users.set(name, line.slice(colon + 1));
  }
  return users;
}

/** Replaces the users file in one step, readable by its owner only. */
export async function writeUsers(path: string, users: Users): Promise<void> {
  const lines = [...users].map(([name, hash]) => `${name}:${hash}\n`);
  await writePrivate(path, HEADING + lines.join(''));
}

/** Writes a file that only its owner may read, in one step: a reader sees the old content or the new. */
export async function writePrivate(path: string, content: string): Promise<void> {
  // A link stays a link.
  const isLink = await lstat(path).then(
    stats => stats.isSymbolicLink(),
    () => false,
  );
  const target = isLink ? await realpath(path) : path;
  const temporary = `${target}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    // The umask can only have taken rights away.
    await chmod(temporary, 0o600);
    await rename(temporary, target);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
}
