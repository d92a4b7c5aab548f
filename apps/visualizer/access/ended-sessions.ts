import { constants, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { nowSeconds } from './tokens.ts';

/** The oldest is forgotten when there are more. */
const MOST = 10_000;

/** Lines of a file before those that no longer count are removed. With it, a file has at most 600 kB. */
const MOST_LINES = 2 * MOST;

/** Returns where ended sessions are kept if no setting says it: beside the key that signed them. */
export const endedFileOf = (keyFile: string): string => join(dirname(keyFile), 'ended-sessions');

/**
 * Sessions that were logged out before their time. With a file, which has a line with end and id for each, they are still
 * refused after a restart.
 */
export class EndedSessions {
  readonly #ends = new Map<string, number>();
  #path: string | undefined;
  readonly #log: Logger | undefined;
  #lines = 0;
  #last: Promise<void> = Promise.resolve();

  /** @param path where they are kept; without one a restart forgets them */
  constructor(path?: string, log?: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Whether a restart still knows them. */
  get isKept(): boolean {
    return this.#path !== undefined;
  }

  /** Reads what a file has kept. Where it cannot be written, nothing is kept. */
  static async open(path: string, log: Logger): Promise<EndedSessions> {
    const ended = new EndedSessions(path, log);
    try {
      await ended.#read();
      await ended.#rewrite();
    } catch (thrown) {
      const why = asError(thrown).code;
      log.info(
        `${path} cannot be written (${why}), so a restart forgets who has logged out and ends every login`,
      );
      ended.#path = undefined;
    }
    return ended;
  }

  has(id: string): boolean {
    return this.#ends.has(id);
  }

  /** Notes an end. It holds at once; the promise is for the file. */
  async add(id: string, expires: number): Promise<void> {
    if (this.#ends.has(id)) return;
    this.#ends.set(id, expires);
    this.#forget();
    if (this.#path === undefined) return;
    this.#last = this.#last.then(() => this.#append(`${expires} ${id}\n`));
    await this.#last;
  }

  async #read(): Promise<void> {
    await using file = await this.#open();
    for (const line of (await file.readFile('latin1')).split('\n')) {
      const [, expires, id] = /^(\d{1,12}) ([\w-]{16})$/.exec(line) ?? [];
      if (id !== undefined && Number(expires) > nowSeconds()) this.#ends.set(id, Number(expires));
    }
    this.#forget();
  }

  async #append(line: string): Promise<void> {
    try {
      if (this.#lines >= MOST_LINES) return await this.#rewrite();
      await using file = await this.#open(constants.O_APPEND);
      await file.write(line);
      await file.datasync();
      this.#lines += 1;
    } catch (thrown) {
      const why = asError(thrown).message;
      this.#log?.error(`a logout could not be kept (${why}), so after a restart its cookie is valid again`);
    }
  }

  /** In place, because the file may be a mount of its own. Cut short, it leaves lines that were there before. */
  async #rewrite(): Promise<void> {
    const text = Buffer.from([...this.#ends].map(([id, expires]) => `${expires} ${id}\n`).join(''));
    await using file = await this.#open();
    await file.write(text, 0, text.length, 0);
    await file.truncate(text.length);
    this.#lines = this.#ends.size;
  }

  #open(flags = 0) {
    return open(this.#path!, constants.O_RDWR | constants.O_CREAT | flags, 0o600);
  }

  #forget(): void {
    if (this.#ends.size <= MOST) return;
    const now = nowSeconds();
    for (const [id, expires] of this.#ends) if (expires <= now) this.#ends.delete(id);
    for (const id of this.#ends.keys()) {
      if (this.#ends.size <= MOST) return;
      this.#ends.delete(id);
    }
  }
}
