/**
 * Usage: users add NAME | password NAME | remove NAME | list. Changes the file that USERS_FILE names; a running visualizer
 * notices within a second. The password comes from the terminal or from standard input, never from an argument.
 */
import { asError } from '../../common/errors.ts';
import { askPassword } from './ask-password.ts';
import { hashPassword } from './password.ts';
import { LONGEST_PASSWORD } from './passwords.ts';
import { readOrMakeKey } from './tokens.ts';
import { isUserName, NAME_RULE, readUsers, writeUsers } from './users-file.ts';

const USAGE = 'Usage: users add NAME | users password NAME | users remove NAME | users list';
const SHORTEST_PASSWORD = 8;

async function main(path: string, [command, name = '', ...more]: string[]): Promise<string> {
  if (path === '')
    throw new Error('USERS_FILE is not set; set it to the path of the file, as in USERS_FILE=./users');
  if (more.length > 0) throw new Error(`${USAGE}. A password is asked for; it is no argument`);
  const users = new Map(await readUsers('USERS_FILE', path).catch(noneYet));
  if (command === 'list' && name === '') return [...users.keys()].sort().join('\n') || 'There is no user yet';
  if (!['add', 'password', 'remove'].includes(command ?? '') || name === '') throw new Error(USAGE);
  if (!isUserName(name)) throw new Error(`${JSON.stringify(name)} is no name of a user: ${NAME_RULE}`);
  const isThere = users.has(name);
  if (command === 'add' && isThere)
    throw new Error(`${name} is a user already; for a new password: users password ${name}`);
  if (command !== 'add' && !isThere)
    throw new Error(`there is no user ${name}; users list shows those there are`);
  if (command === 'remove') {
    users.delete(name);
    await writeUsers(path, users);
    return `Removed ${name}. The streams of ${name} end within 5 s`;
  }
  const password = await askPassword(`Password of ${name}`);
  if (password.length < SHORTEST_PASSWORD || password.length > LONGEST_PASSWORD)
    throw new Error(
      `a password has ${SHORTEST_PASSWORD} to ${LONGEST_PASSWORD} characters; nothing was changed`,
    );
  users.set(name, await hashPassword(password));
  // Sessions then outlive a restart, and links can be made.
  await readOrMakeKey('ACCESS_KEY_FILE', `${path}.key`);
  await writeUsers(path, users);
  return command === 'add' ? `Added ${name}` : `${name} has a new password. Log in again with it`;
}

function noneYet(thrown: unknown): ReadonlyMap<string, string> {
  const { cause } = thrown as { cause?: unknown };
  if (asError(cause).code === 'ENOENT') return new Map();
  throw thrown;
}

try {
  process.stdout.write(`${await main(process.env['USERS_FILE']?.trim() ?? '', process.argv.slice(2))}\n`);
} catch (thrown) {
  process.stderr.write(`users: ${asError(thrown).message}\n`);
  process.exitCode = 1;
}
