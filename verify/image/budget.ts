/** Bounds what one archive may cost: a few megabytes can unpack to gigabytes, or to millions of empty files. */
import { MAX_ENTRIES, MAX_UNPACKED_MB, MAX_UNPACKED_RATIO } from '../gate/limits.ts';
import { BadImage } from './bad-image.ts';

const MB = 1 << 20;
/** Allowed whatever the archive's size: a small tar is mostly padding, which compresses well. */
const ALWAYS_ALLOWED_MB = 64;
/** Paths are held in memory, and each may have thousands of characters. */
const MAX_PATHS_MB = 16;
/** The kernel's PATH_MAX. */
const MAX_PATH_CHARACTERS = 4096;

export class Budget {
  readonly #archiveMb: number;
  readonly #maxMb: number;
  #bytes = 0;
  #entries = 0;
  #pathCharacters = 0;

  constructor(archiveBytes: number) {
    this.#archiveMb = archiveBytes / MB;
    this.#maxMb = Math.min(
      MAX_UNPACKED_MB,
      Math.max(ALWAYS_ALLOWED_MB, Math.floor(this.#archiveMb * MAX_UNPACKED_RATIO)),
    );
  }

  /** Counts decompressed bytes, of the archive and of its layers. Throws BadImage past the limit. */
  unpack(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#maxMb * MB) {
      throw new BadImage(
        `the archive of ${this.#archiveMb.toFixed(1)} MB unpacks to more than ${this.#maxMb} MB, the most that one of its size may`,
      );
    }
  }

  /** Counts one entry of a tar. Throws BadImage past the limit. */
  enter(path: string, target = ''): void {
    this.#entries += 1;
    this.#pathCharacters += path.length + target.length;
    if (this.#entries > MAX_ENTRIES) throw new BadImage(`the archive holds more than ${MAX_ENTRIES} files`);
    if (Math.max(path.length, target.length) > MAX_PATH_CHARACTERS) {
      throw new BadImage(
        `the archive holds a path of more than ${MAX_PATH_CHARACTERS} characters: ${path.slice(0, 60)}…`,
      );
    }
    if (this.#pathCharacters > MAX_PATHS_MB * MB) {
      throw new BadImage(`the paths in the archive take more than ${MAX_PATHS_MB} MB`);
    }
  }
}
