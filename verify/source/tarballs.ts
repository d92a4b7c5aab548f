/**
 * Fetches the tarballs that a lockfile names, through npm itself, and lists their files. Only bytes with the lockfile's digest
 * are taken, so it does not matter which registry or cache they come from.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { list, type ReadEntry } from 'tar';
import type { Output } from '../gate/finding.ts';
import { CannotCompare } from './cannot-compare.ts';

export interface Locked {
  name: string;
  version: string;
  /** `sha512-` and base64. */
  integrity: string;
}

/** Path in the package → SHA-256. */
export type PackageFiles = Map<string, string>;

type RunProgram = (command: string[]) => Promise<Output | undefined>;

/** So many names fit into one command line. */
const AT_ONCE = 40;

/** Keeps tarballs in a folder by digest: each is fetched once. */
export class Tarballs {
  readonly #folder: string;
  readonly #runProgram: RunProgram;
  readonly #listed = new Map<string, PackageFiles>();

  constructor(folder: string, runProgram: RunProgram) {
    this.#folder = folder;
    this.#runProgram = runProgram;
  }

  /** Returns the files of each package by its integrity. Throws CannotCompare if one cannot be had. */
  async filesOf(packages: Locked[]): Promise<Map<string, PackageFiles>> {
    await mkdir(this.#folder, { recursive: true });
    const lacking: Locked[] = [];
    for (const one of packages) if (!(await this.#has(one))) lacking.push(one);
    for (let at = 0; at < lacking.length; at += AT_ONCE) await this.#fetch(lacking.slice(at, at + AT_ONCE));
    const files = new Map<string, PackageFiles>();
    for (const one of packages) {
      const known = this.#listed.get(one.integrity) ?? (await filesIn(this.#path(one)));
      this.#listed.set(one.integrity, known);
      files.set(one.integrity, known);
    }
    return files;
  }

  #path({ integrity }: Locked): string {
    return join(this.#folder, `${hex(integrity)}.tgz`);
  }

  async #has(one: Locked): Promise<boolean> {
    if (this.#listed.has(one.integrity)) return true;
    const path = this.#path(one);
    return existsSync(path) && (await sha512(path)) === hex(one.integrity);
  }

  async #fetch(packages: Locked[]): Promise<void> {
    await using folder = await mkdtempDisposable(join(this.#folder, 'fetched-'));
    const command = ['npm', 'pack', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
    const specs = packages.map(({ name, version }) => `${name}@${version}`);
    const output = await this.#runProgram([...command, `--pack-destination=${folder.path}`, ...specs]);
    for (const file of await readdir(folder.path)) {
      const path = join(folder.path, file);
      const digest = await sha512(path);
      if (packages.some(({ integrity }) => hex(integrity) === digest))
        await rename(path, join(this.#folder, `${digest}.tgz`));
    }
    const absent = packages.filter(one => !existsSync(this.#path(one)));
    if (absent.length === 0) return;
    const names = absent.slice(0, 3).map(({ name, version }) => `${name} ${version}`);
    const more = absent.length > 3 ? ` and ${absent.length - 3} more` : '';
    const why = output === undefined ? 'npm is not installed' : output.stderr.trim().split('\n').pop();
    throw new CannotCompare(
      `npm has no tarball with the lockfile's digest of ${names.join(', ')}${more}: ${why || 'the registry gave other bytes'}`,
    );
  }
}

async function filesIn(path: string): Promise<PackageFiles> {
  const files: PackageFiles = new Map();
  await list({
    file: path,
    strict: true,
    onReadEntry: (entry: ReadEntry) => {
      // npm unpacks files alone, without the folder that holds them all.
      const inside = entry.path.split('/').slice(1).join('/');
      if (!/File$/.test(entry.type)) return;
      const hash = createHash('sha256');
      entry.on('data', chunk => hash.update(chunk));
      entry.on('end', () => {
        const digest = hash.digest('hex');
        files.set(inside, digest);
        // npm gives it the other name where there is none of that name.
        const renamed = inside.replace(/\.gitignore$/, '.npmignore');
        if (!files.has(renamed)) files.set(renamed, digest);
      });
    },
  });
  return files;
}

function hex(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
}

async function sha512(path: string): Promise<string> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
