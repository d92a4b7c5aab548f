/** What an image must hold besides Debian's packages: our code by the revision it names, npm's packages by the lockfile. */
import { BUILT, isUnused, neededPackages } from '../../tools/image/packages.ts';
import type { Image } from '../image/archive.ts';
import { CannotCompare } from './cannot-compare.ts';
import { type Settings, settingsOf } from './containerfile.ts';
import { ownFiles } from './own-code.ts';
import { type Tree, treeOf } from './revision.ts';
import type { Locked, PackageFiles, Tarballs } from './tarballs.ts';

export interface ExpectedPackage {
  name: string;
  version: string;
  /** The package's part of the image: path in the package → SHA-256. */
  files: PackageFiles;
  /** Its `build/` is made in the image. */
  isBuilt: boolean;
  /** npm leaves it out on other platforms. */
  isOptional: boolean;
}

export interface Expected {
  revision: string;
  service: string;
  /** Of our own files: path in the image → SHA-256. */
  own: Map<string, string>;
  /** By path in the image, `/app/node_modules/koa`. */
  packages: Map<string, ExpectedPackage>;
  /** The SHA-256 of /usr/local/bin/node. */
  node: string | undefined;
  /** How the image starts its program. */
  settings: Settings;
}

interface LockEntry {
  name?: string;
  version?: string;
  integrity?: string;
  optional?: boolean;
  link?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
type LockPackages = Record<string, LockEntry>;

const NODE_ARCHITECTURES: Record<string, string> = { amd64: 'x64', arm64: 'arm64' };

/**
 * Returns what an image must be, by a git clone that has its revision checked out. Throws CannotCompare if something is
 * missing that it would have to be compared with.
 */
export async function expectedOf(image: Image, clone: string, tarballs: Tarballs): Promise<Expected> {
  const service = serviceOf(image);
  const revision = image.labels['org.opencontainers.image.revision'] ?? 'unknown';
  const tree = await treeOf(clone, revision);
  const locked = lockedIn(tree);
  const packages = neededOf(service, locked);
  const node = nodeOf(image, locked);
  const files = await tarballs.filesOf([...packages.values(), ...(node ? [node] : [])]);
  const filesOf = ({ integrity }: Locked) => files.get(integrity) ?? new Map<string, string>();
  return {
    revision,
    service,
    own: await ownFiles(tree, service, `${clone}/node_modules`),
    packages: new Map(
      [...packages].map(([path, one]) => [
        `/app/${path}`,
        {
          name: one.name,
          version: one.version,
          files: new Map([...filesOf(one)].filter(([inside]) => isKept(one.name, inside))),
          isBuilt: BUILT.has(one.name),
          isOptional: locked[path]?.optional ?? false,
        },
      ]),
    ),
    node: node && filesOf(node).get('bin/node'),
    settings: settingsOf(tree.get(`Containerfile.${service}`)?.toString() ?? ''),
  };
}

/** The service that an image holds, by its folder under /app/apps. */
export function serviceOf({ rootfs }: Pick<Image, 'rootfs'>): string {
  const services = [...rootfs.keys()].flatMap(path => /^\/app\/apps\/([^/]+)$/.exec(path)?.[1] ?? []);
  const [service, ...others] = services.filter(name => name !== 'common');
  if (service === undefined || others.length > 0) {
    throw new CannotCompare(
      `the image holds the services ${services.join(', ') || 'none'}, and not one beside common`,
    );
  }
  return service;
}

function isKept(name: string, path: string): boolean {
  return !isUnused(name, path) && !(BUILT.has(name) && path.startsWith('build/'));
}

function lockedIn(tree: Tree): LockPackages {
  const lockfile = tree.get('package-lock.json');
  if (!lockfile) throw new CannotCompare("the image's revision has no package-lock.json");
  return JSON.parse(lockfile.toString()).packages;
}

function neededOf(service: string, packages: LockPackages): Map<string, Locked> {
  const needed = neededPackages(['apps/common', `apps/${service}`], folder => {
    const entry = packages[folder];
    return entry && Object.keys({ ...entry.dependencies, ...entry.optionalDependencies });
  });
  return new Map(
    [...needed]
      .filter(path => path.includes('node_modules/') && !packages[path]?.link)
      .map(path => [path, lockedAt(path, packages)]),
  );
}

function lockedAt(path: string, packages: LockPackages): Locked {
  const { name = path.split('node_modules/').pop()!, version = '', integrity = '' } = packages[path] ?? {};
  if (!integrity.startsWith('sha512-'))
    throw new CannotCompare(`the lockfile has no digest of ${name} ${version}`);
  return { name, version, integrity };
}

/** Node itself comes from the base image; the lockfile pins the same binary for npm start. */
function nodeOf({ architecture }: Image, packages: LockPackages): Locked | undefined {
  const path = `node_modules/node-linux-${NODE_ARCHITECTURES[architecture ?? ''] ?? 'none'}`;
  return packages[path] && lockedAt(path, packages);
}
