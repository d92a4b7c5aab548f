/** Checks of where each file comes from: Debian's packages by dpkg's digests, the rest by a name or a reason. */
import { posix } from 'node:path';
import { npmPackages } from '../npm.ts';
import { digestOf, resolve } from '../rootfs.ts';
import { generatedBy } from './generated.ts';
import type { Fault, Subject } from './subject.ts';

export function changedFiles({ rootfs, owners, sums }: Subject): Fault[] {
  const changed = [...sums].flatMap(([path, sum]) => {
    const entry = rootfs.get(path);
    // What a build leaves out, such as documentation, harms nobody; what it alters is not the package's any more.
    if (entry?.type !== 'file') return [];
    const found = digestOf(entry, 'md5');
    return found === sum
      ? []
      : [{ path, message: `is not what its package installed (md5 ${found}, not ${sum})` }];
  });
  const unrecorded = [...rootfs]
    .filter(([path, { type }]) => type === 'file' && owners.has(path) && !sums.has(path))
    .map(([path]) => ({ path, message: `dpkg recorded no digest of it for ${owners.get(path)}` }));
  return [...changed, ...unrecorded];
}

export function unexplainedFiles({ rootfs, owners, named }: Subject): Fault[] {
  // Node looks in /node_modules, too, and what npm installs is only here.
  const packages = npmPackages(rootfs)
    .map(({ path }) => `${path}/`)
    .filter(path => path.startsWith('/app/'));
  const files = [...rootfs]
    .filter(([, { type }]) => type === 'file' || type === 'other')
    .filter(([path]) => !owners.has(path) && !named.has(path))
    .filter(([path]) => !packages.some(folder => path.startsWith(folder)))
    .filter(([path]) => generatedBy(path) === undefined && !isOurs(path))
    .map(([path]) => ({ path, message: 'nothing says where this comes from' }));
  // A path that has an origin does not speak for a device there, of which no digest is.
  const others = [...rootfs]
    .filter(([path, { type }]) => type === 'other' && !path.startsWith('/app/'))
    .filter(([path]) => owners.has(path) || named.has(path) || generatedBy(path) !== undefined)
    .map(([path]) => ({ path, message: 'is a device or a pipe, and no image of ours holds one' }));
  return [...files, ...others];
}

/** No package brings it, whatever dpkg's records say: it puts a library into every program. */
export function preloaded({ rootfs }: Subject): Fault[] {
  const path = '/etc/ld.so.preload';
  return rootfs.has(path) ? [{ path, message: 'puts a library into every program' }] : [];
}

/** alteredCode compares these byte by byte. */
function isOurs(path: string): boolean {
  return /^\/app\/(apps\/|data\/|package\.json$|LICENSE$)/.test(path);
}

/** Links of Debian's packages must lead to a package's files; any other link must be one that the build makes. */
export function strayLinks({ rootfs, owners, named }: Subject): Fault[] {
  return [...rootfs]
    .filter(([, { type }]) => type === 'symlink')
    .flatMap(([path, { target = '' }]) => {
      if (!owners.has(path)) {
        return LINKS[path] === target
          ? []
          : [{ path, message: `a link to ${target} that no package brings` }];
      }
      const found = resolve(rootfs, path);
      if (found === undefined) {
        // A link may lead to what the image leaves out, but not to where a container has a folder of its host or of its own.
        const missing = posix.resolve(posix.dirname(path), target);
        return missing.startsWith('/usr/')
          ? []
          : [{ path, message: `leads to ${missing}, which is not in the image` }];
      }
      const isFolder = rootfs.get(found)?.type === 'directory';
      // What lies in a folder is judged by itself, unless a container has another one there.
      if (isFolder && (found.startsWith('/usr/') || found === '/run/lock')) return [];
      if (!owners.has(found) && !named.has(found))
        return [{ path, message: `leads to ${found}, which no package brings` }];
      // A library under another's name.
      return isFolder || owners.get(found) === owners.get(path)
        ? []
        : [{ path, message: `is of ${owners.get(path)}, and leads to ${found} of ${owners.get(found)}` }];
    });
}

/** base-files makes them when it is configured. */
const LINKS: Record<string, string> = {
  '/etc/dpkg/origins/default': 'debian',
  '/usr/local/man': 'share/man',
  '/var/spool/mail': '../mail',
};

export function unlockedPackages({ rootfs, locked }: Subject): Fault[] {
  return npmPackages(rootfs)
    .filter(({ name, version }) => locked !== undefined && !locked.has(`${name}@${version}`))
    .map(({ path, name, version }) => ({ path, message: `${name} ${version} is not in package-lock.json` }));
}
