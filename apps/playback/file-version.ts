import { versionOf } from '../common/file-version.ts';

/** A look at a local file takes 0.1 ms. */
const PATIENCE_MS = 2000;

/**
 * Looks at a file again and again, and says when it is another: replaced, rewritten, grown, gone. One look at a time, so
 * that storage which hangs holds one thread of the pool and not all.
 */
export class FileVersion {
  readonly #path: string;
  #look: Promise<string> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Returns a text that differs whenever the file does, for a missing file too; undefined if its storage does not answer. */
  async now(): Promise<string | undefined> {
    this.#look ??= versionOf(this.#path).finally(() => {
      this.#look = undefined;
    });
    const { promise: patience, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, PATIENCE_MS, undefined);
    try {
      return await Promise.race([this.#look, patience]);
    } finally {
      clearTimeout(timer);
    }
  }
}
