import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asError, Fault } from '../common/errors.ts';
import { fileTime } from './file-time.ts';

const PICTURE = /^[^.].*\.(jpe?g|png|webp|tiff?|gif|bmp)$/is;
/** The folder's own time changes with its entries, on most file systems in steps of a few milliseconds and on some of seconds. */
const SETTLED_MS = 2500;
/** A share may not say that an entry was added. */
const RELIST_MS = 30_000;

/** A picture in the folder. */
export interface ImageEntry {
  name: string;
  path: string;
  /** Unix milliseconds, if its name has a time. */
  validAtMs: number | undefined;
  /** Counts the pictures in the order in which they were found, and stays with one as others come and go. */
  ordinal: number;
}

/** The pictures in a folder, by the times in their names or by name. */
export class ImageFolder {
  readonly #path: string;
  readonly #window: number;
  readonly #pattern: RegExp | undefined;
  #entries: ImageEntry[] = [];
  #found = 0;
  #listed: { version: string; atMs: number; wasSettled: boolean } | undefined;

  /** @param window the newest ones, at most this many */
  constructor(path: string, window: number, pattern: RegExp | undefined) {
    this.#path = path;
    this.#window = window;
    this.#pattern = pattern;
  }

  /**
   * Returns the pictures as they are now, the oldest first.
   *
   * Cost: one look at the folder. Its entries are read only when they have changed, and no file is looked at: 50 000 take
   * 0.2 s then, and nothing otherwise.
   *
   * @throws Fault `bad-clip` if it can't be read or has no picture
   */
  async newest(): Promise<readonly ImageEntry[]> {
    try {
      const { dev, ino, mtimeMs } = await stat(this.#path);
      // A link may lead to another folder of the same time.
      const version = `${dev} ${ino} ${mtimeMs}`;
      const listed = this.#listed;
      const nowMs = performance.now();
      const isSame = listed?.version === version && listed.wasSettled && nowMs - listed.atMs < RELIST_MS;
      if (!isSame) {
        // Entries that come while they are read change the time again.
        this.#entries = this.#sorted(await readdir(this.#path));
        this.#listed = { version, atMs: nowMs, wasSettled: Date.now() - mtimeMs > SETTLED_MS };
      }
    } catch (thrown) {
      const { code } = asError(thrown);
      const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read (${code})`;
      throw new Fault(
        'bad-clip',
        `DATA_FILE ${this.#path} ${why}; set it to a folder of pictures or a video file`,
      );
    }
    if (this.#entries.length > 0) return this.#entries;
    throw new Fault(
      'bad-clip',
      `DATA_FILE ${this.#path} has no picture in it and is a directory; put pictures in it (JPEG, PNG, WebP, TIFF, GIF, BMP), or set it to a video file`,
    );
  }

  #sorted(names: string[]): ImageEntry[] {
    const known = new Map(this.#entries.map(entry => [entry.name, entry]));
    const found = names
      .filter(name => PICTURE.test(name))
      .map(name => ({ name, validAtMs: known.get(name)?.validAtMs ?? fileTime(name, this.#pattern) }));
    const isTimed = found.every(({ validAtMs }) => validAtMs !== undefined);
    const byName = new Intl.Collator('en', { numeric: true }).compare;
    found.sort((a, b) => (isTimed ? a.validAtMs! - b.validAtMs! : 0) || byName(a.name, b.name));
    return found
      .slice(-this.#window)
      .map(({ name, validAtMs }) => known.get(name) ?? this.#entry(name, validAtMs));
  }

  #entry(name: string, validAtMs: number | undefined): ImageEntry {
    this.#found += 1;
    return { name, validAtMs, path: join(this.#path, name), ordinal: this.#found - 1 };
  }
}
