/** Checks of where each file comes from: Debian's packages by dpkg's digests, the rest by a name or a reason. */
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
  const packages = npmPackages(rootfs).map(({ path }) => `${path}/`);
  return [...rootfs]
    .filter(([, { type }]) => type === 'file' || type === 'other')
    .filter(([path]) => !owners.has(path) && !named.has(path))
    .filter(([path]) => !packages.some(folder => path.startsWith(folder)))
    .filter(([path]) => generatedBy(path) === undefined && !isOurs(path))
    .map(([path]) => ({ path, message: 'nothing says where this comes from' }));
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
      // A link may lead to what the image leaves out. What lies in a folder is judged by itself.
      const isFile = found !== undefined && rootfs.get(found)?.type !== 'directory';
      if (!isFile || owners.has(found) || named.has(found)) return [];
      return [{ path, message: `leads to ${found}, which no package brings` }];
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
