import type { Logger } from '../../common/log.ts';
import { type FileReports, watchFiles } from '../watch-files.ts';
import { readUsers, type Users } from './users-file.ts';

const VARIABLE = 'USERS_FILE';

/**
 * The users of a file, as it is now. A file that cannot be read while the service runs changes nothing: the list before it
 * stays in force, and the log says so.
 */
export class LiveUsers {
  #users: Users;

  private constructor(users: Users) {
    this.#users = users;
  }

  /**
   * Reads the file, and follows it until `signal` is aborted.
   *
   * @throws Fault `bad-configuration`
   */
  static async open(
    path: string,
    log: Logger,
    files: Pick<FileReports, 'file'>,
    signal: AbortSignal,
  ): Promise<LiveUsers> {
    const users = new LiveUsers(await readUsers(VARIABLE, path));
    if (users.#users.size === 0)
      log.warn(`${VARIABLE}=${JSON.stringify(path)} lists no user: nobody can log in with a password`);
    files.file(VARIABLE, false);
    const reread = async () => {
      try {
        const now = await readUsers(VARIABLE, path);
        log.info({ users: now.size }, `read the users again: ${changesOf(users.#users, now)}`);
        users.#users = now;
        files.file(VARIABLE, false);
      } catch (thrown) {
        files.file(VARIABLE, true);
        log.error(
          `${(thrown as Error).message}. Until it can be read, the ${users.#users.size} users before it stay`,
        );
      }
    };
    await watchFiles([path], reread, signal);
    return users;
  }

  /** Returns the hash of the user's password, undefined if there is no such user. */
  hashOf(name: string): string | undefined {
    return this.#users.get(name);
  }
}

function changesOf(before: Users, now: Users): string {
  const added = [...now.keys()].filter(name => !before.has(name)).length;
  const removed = [...before.keys()].filter(name => !now.has(name)).length;
  const changed = [...now].filter(([name, hash]) => before.has(name) && before.get(name) !== hash).length;
  return `${added} added, ${removed} removed, ${changed} with a new password`;
}
