/**
 * Reads a tar as podman's reader does, or refuses it: where two readers could see different files, a check of the one says
 * nothing about the other. So no entry is skipped, and an extended header must mean the same to both.
 */
import { once } from 'node:events';
import { Parser, type ReadEntry } from 'tar';
import { BadImage } from './bad-image.ts';
import type { Budget } from './budget.ts';
import { decompressed, isCompressed } from './decompressed.ts';

export interface TarEntry {
  entry: ReadEntry;
  /** File capabilities (capabilities(7)), which grant rights as setuid does. */
  hasCapabilities: boolean;
}

const TYPES = new Set([
  'File',
  'OldFile',
  'Link',
  'SymbolicLink',
  'Directory',
  'CharacterDevice',
  'BlockDevice',
  'FIFO',
]);
/**
 * Keys of pax headers with one meaning everywhere. Of extended attributes only those that no storage driver reads: by one of
 * its own, such as user.containers.override_stat or trusted.overlay.redirect, a file would get other rights or content.
 */
const PAX_KEYS =
  /^(path|linkpath|size|uid|gid|uname|gname|[amc]time|comment|SCHILY\.xattr\.security\.(capability|selinux))$/;
const CAPABILITY = 'SCHILY.xattr.security.capability';
/** A tar ends with two empty blocks, padded to 10 kB by custom. */
const MAX_TRAILING_BYTES = 1 << 20;

/**
 * Calls `onEntry` for each entry, in order and synchronously; it must consume the entry, and may return a promise.
 * `onBytes` gets the plain bytes. Throws BadImage.
 */
export async function eachEntry(
  source: AsyncIterable<Buffer>,
  budget: Budget,
  onEntry: (entry: TarEntry) => void | Promise<void>,
  onBytes: (chunk: Buffer) => void = () => {},
): Promise<void> {
  const reader = new Reader(budget, onEntry);
  let first = true;
  for await (const chunk of decompressed(source)) {
    budget.unpack(chunk.length);
    onBytes(chunk);
    // The parser would decompress it a second time by itself, with no bound.
    if (first && isCompressed(chunk)) throw new BadImage('the archive is compressed twice');
    first = false;
    await reader.write(chunk);
  }
  await reader.end();
}

class Reader {
  readonly #parser: Parser;
  readonly #pending: Promise<void>[] = [];
  #fault: unknown;
  #ended = false;
  #trailingBytes = 0;
  #pax = new Map<string, string>();

  constructor(budget: Budget, onEntry: (entry: TarEntry) => void | Promise<void>) {
    this.#parser = new Parser({ strict: true, zstd: false });
    this.#parser.on('meta', (text: string) => this.#try(() => this.#readMeta(text)));
    this.#parser.on('eof', () => {
      this.#ended = true;
    });
    this.#parser.on('error', (error: Error) => {
      this.#fault ??= new BadImage('this is not a tar archive that can be read', { cause: error });
    });
    this.#parser.on('ignoredEntry', (entry: ReadEntry) => this.#try(() => refuse(entry)));
    this.#parser.on('entry', (entry: ReadEntry) => {
      this.#try(() => {
        if (!TYPES.has(entry.type)) refuse(entry);
        // Go applies such a header to nothing.
        const forAll = Object.entries(entry.globalExtended ?? {}).filter(([, value]) => value !== undefined);
        if (forAll.some(([key]) => key !== 'comment' && key !== 'global'))
          throw new BadImage(
            'an extended header of the archive is for all entries, and readers differ on it',
          );
        budget.enter(entry.path, entry.linkpath);
        const hasCapabilities = this.#pax.has(CAPABILITY);
        this.#pax.clear();
        const done = onEntry({ entry, hasCapabilities });
        if (done !== undefined) this.#pending.push(done.catch(thrown => this.#fail(thrown, entry)));
      }, entry);
    });
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.#ended) {
      this.#trailingBytes += chunk.length;
      if (this.#trailingBytes > MAX_TRAILING_BYTES)
        throw new BadImage('the archive goes on after its own end');
      return;
    }
    const goesOn = this.#parser.write(chunk);
    if (this.#fault) throw this.#fault;
    if (!goesOn && !this.#ended) await once(this.#parser, 'drain');
    if (this.#fault) throw this.#fault;
  }

  async end(): Promise<void> {
    this.#parser.end();
    await Promise.all(this.#pending);
    if (this.#fault) throw this.#fault;
  }

  /** The parser emits while it parses: what a listener throws must not leave it half-way. */
  #try(step: () => void, entry?: ReadEntry): void {
    try {
      step();
    } catch (thrown) {
      this.#fail(thrown, entry);
    }
  }

  #fail(thrown: unknown, entry?: ReadEntry): void {
    this.#fault ??= thrown;
    entry?.resume();
  }

  /** The text of an extended header: a long path with a zero at its end, or records `LENGTH KEY=VALUE\n`. */
  #readMeta(text: string): void {
    if (/^[^\n\0]+\0+$/.test(text)) return;
    for (const line of text.replace(/\n$/, '').split('\n')) {
      const [, length, key, value] = /^(\d+) ([^=]+)=(.*)$/s.exec(line) ?? [];
      // A value of several lines is cut up by one reader and not by another.
      const isWhole = Number(length) === Buffer.byteLength(line) + 1;
      if (
        !isWhole ||
        key === undefined ||
        !PAX_KEYS.test(key) ||
        (/path$/.test(key) && value?.includes('\0'))
      ) {
        throw new BadImage(
          `an extended header of the archive has a meaning that readers differ on: ${line.slice(0, 60)}`,
        );
      }
      this.#pax.set(key, value!);
    }
  }
}

function refuse(entry: ReadEntry): never {
  throw new BadImage(
    `${entry.path} in the archive is of the kind ${entry.type}, which no image of ours holds`,
  );
}
