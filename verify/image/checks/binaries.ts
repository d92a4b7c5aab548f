/** Checks of programs and libraries: that each has a name, fits this platform, and finds its libraries where they belong. */
import { posix } from 'node:path';
import { type Elf, isForeignBinary } from '../elf.ts';
import { type Rootfs, resolve } from '../rootfs.ts';
import { sha256Of } from '../sbom.ts';
import { type Fault, filesOf, type Subject } from './subject.ts';

const MACHINES: Record<string, string> = { amd64: 'x86-64', arm64: 'aarch64' };
const LIBRARY_FOLDERS = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib'];
const TRIPLETS: Record<string, string> = { 'x86-64': 'x86_64-linux-gnu', aarch64: 'aarch64-linux-gnu' };

export function unnamedElves({ rootfs, elves, broken, owners, named }: Subject): Fault[] {
  const unnamed = [...elves.keys()]
    .filter(path => !owners.has(path))
    .flatMap(path => {
      const expected = named.get(path);
      if (expected === undefined) {
        return [{ path, message: 'no package of Debian owns this program, and the SBOM does not name it' }];
      }
      const found = sha256Of(rootfs, path);
      return found === expected
        ? []
        : [{ path, message: `the SBOM names it with the SHA-256 ${expected}, and it has ${found}` }];
    });
  return [...broken.map(path => ({ path, message: 'a broken ELF file' })), ...unnamed];
}

export function missingSbomFiles({ rootfs, named }: Subject): Fault[] {
  return [...named]
    .filter(([path, sum]) => sha256Of(rootfs, path) !== sum)
    .map(([path]) => ({ path, message: 'the SBOM names a file that is not there as it says' }));
}

export function foreignPlatforms({ image, rootfs, elves }: Subject): Fault[] {
  const expected =
    MACHINES[image.architecture ?? ''] ?? mostCommon([...elves.values()].map(elf => elf.machine));
  const wrong = [...elves].flatMap(([path, elf]) => {
    const musl = [elf.interpreter ?? '', ...elf.needed].some(name => /\bld-musl-|^libc\.musl-/.test(name));
    const platform = musl ? 'musl' : `${elf.machine}, ${elf.bits} bits`;
    return musl || elf.machine !== expected || elf.bits !== 64
      ? [{ path, message: `built for another platform: ${platform}` }]
      : [];
  });
  const foreign = filesOf(rootfs)
    .filter(([path, entry]) => !elves.has(path) && isForeignBinary(entry))
    .map(([path]) => ({ path, message: 'a program of Windows or macOS' }));
  return [...wrong, ...foreign];
}

export function misplacedLibraries({ rootfs, elves, owners, named }: Subject): Fault[] {
  const bundled = filesOf(rootfs)
    .filter(([path]) => /\/node_modules\/.*\.(so(\.[\d.]+)?|dylib|dll|a)$/.test(path))
    .map(([path]) => ({ path, message: 'a library that npm brought' }));
  const resolved = [...elves].flatMap(([path, elf]) =>
    elf.needed.flatMap(library => {
      const found = locate(rootfs, path, elf, library);
      if (found === undefined) return [{ path, message: `needs ${library}, which is not in the image` }];
      if (found.includes('/node_modules/')) return [{ path, message: `finds ${library} at ${found}` }];
      if (!owners.has(found) && !named.has(found)) {
        return [{ path, message: `finds ${library} at ${found}, which neither dpkg nor the SBOM names` }];
      }
      return [];
    }),
  );
  return [...bundled, ...resolved];
}

/** Where the loader finds a library: ld.so(8), without what the environment would add. */
function locate(rootfs: Rootfs, path: string, elf: Elf, library: string): string | undefined {
  const own = elf.searched.map(folder => folder.replace(/\$\{?ORIGIN\}?/, posix.dirname(path)));
  const triplet = TRIPLETS[elf.machine] ?? '';
  const folders = [...own, ...LIBRARY_FOLDERS.flatMap(folder => [`${folder}/${triplet}`, folder])];
  const candidates = library.includes('/') ? [library] : folders.map(folder => `${folder}/${library}`);
  for (const candidate of candidates) {
    const found = resolve(rootfs, candidate);
    if (found !== undefined && rootfs.get(found)?.type === 'file') return found;
  }
  return undefined;
}

function mostCommon(names: string[]): string | undefined {
  const counts = Map.groupBy(names, name => name);
  return [...counts].sort(([, a], [, b]) => b.length - a.length)[0]?.[0];
}
