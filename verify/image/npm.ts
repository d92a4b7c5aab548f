/** npm's packages in an image, by their package.json, and those that the lockfile allows. */
import { type Rootfs, textAt } from './rootfs.ts';

export interface NpmPackage {
  name: string;
  version: string;
  licence: string;
  /** Its folder. */
  path: string;
}

const MANIFEST = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/;

export function npmPackages(rootfs: Rootfs): NpmPackage[] {
  const packages: NpmPackage[] = [];
  for (const path of rootfs.keys()) {
    if (!MANIFEST.test(path)) continue;
    const manifest = manifestIn(textAt(rootfs, path) ?? '');
    if (!manifest) continue;
    packages.push({
      name: manifest.name,
      version: manifest.version,
      licence: licenceOf(manifest),
      path: path.slice(0, -'/package.json'.length),
    });
  }
  return packages.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A package without a readable manifest has no name; its files are judged one by one. */
function manifestIn(text: string): { name: string; version: string; license?: unknown } | undefined {
  try {
    const manifest = JSON.parse(text);
    return typeof manifest?.name === 'string' && typeof manifest.version === 'string' ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the licence as one expression. Old packages have objects and lists instead. */
export function licenceOf(manifest: { license?: unknown; licenses?: unknown }): string {
  const licence = manifest.license ?? manifest.licenses;
  const list = Array.isArray(licence) ? licence : [licence];
  const names = list.map(one => (typeof one === 'object' && one !== null ? one.type : one));
  return names.every(name => typeof name === 'string') ? names.join(' AND ') : '';
}

/** Returns `name@version` of every package in the lockfile, for any platform. */
export function lockedPackages(lockfile: {
  packages: Record<string, { name?: string; version?: string }>;
}): Set<string> {
  return new Set(
    Object.entries(lockfile.packages)
      .filter(([path]) => path.includes('node_modules/'))
      .map(([path, { name, version }]) => `${name ?? path.split('node_modules/').pop()}@${version}`),
  );
}
