/** Keeps the content of an image's files on disk, so that memory follows the largest file and not the image. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_FILE_MB } from '../gate/limits.ts';
import { BadImage } from './bad-image.ts';

export interface Spooled {
  size: number;
  read(from?: number, length?: number): Buffer;
}

export class Spool {
  readonly #file: number;
  #end = 0;

  /** As podman does, not in /tmp: that is memory on many systems. */
  constructor(folder = process.env['TMPDIR'] ?? '/var/tmp') {
    const at = mkdtempSync(join(folder, 'noaa-image-'));
    this.#file = openSync(join(at, 'files'), 'wx+', 0o600);
    // Open and without a name: it goes with the process, however that ends.
    rmSync(at, { recursive: true });
  }

  /** Begins a file. `write` takes its bytes; no other may be begun until all are there. */
  begin(path: string): { write(chunk: Buffer): void; content: Spooled } {
    const start = this.#end;
    const content: Spooled = {
      size: 0,
      read: (from = 0, length = content.size - from) => {
        const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, content.size - from)));
        for (let done = 0; done < bytes.length; ) {
          const read = readSync(this.#file, bytes, done, bytes.length - done, start + from + done);
          if (read === 0) throw new Error('the spooled content of an image has been cut short');
          done += read;
        }
        return bytes;
      },
    };
    const write = (chunk: Buffer): void => {
      content.size += chunk.length;
      if (content.size > MAX_FILE_MB << 20) throw new BadImage(`${path} has more than ${MAX_FILE_MB} MB`);
      for (let done = 0; done < chunk.length; )
        done += writeSync(this.#file, chunk, done, chunk.length - done, this.#end + done);
      this.#end += chunk.length;
    };
    return { write, content };
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
