/** Where the schemas come from: packages of npm that are generated from what Kubernetes and the others publish. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const CACHE = join(import.meta.dirname, '../../build/kubernetes');

export interface Package {
  name: string;
  version: string;
  /** SHA-512 of the tarball. */
  integrity: string;
}

/** Returns the folder of a package; npm brings it once. */
export function folderOf({ name, version, integrity }: Package): string {
  const folder = join(CACHE, `${name.replaceAll('/', '-')}-${version}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  const pack = ['pack', '--silent', '--pack-destination', unfinished, `${name}@${version}`];
  const file = join(unfinished, execFileSync('npm', pack, { encoding: 'utf8' }).trim());
  const found = createHash('sha512').update(readFileSync(file)).digest('base64');
  if (found !== integrity) throw new Error(`${name}@${version} has the SHA-512 ${found}, not ${integrity}`);
  execFileSync('tar', ['-xzf', file, '-C', unfinished, '--strip-components=1']);
  rmSync(file);
  renameSync(unfinished, folder);
  return folder;
}
