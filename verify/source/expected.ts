/** What an image must hold besides Debian's packages: our code by the revision it names, npm's packages by the lockfile. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILT, isUnused, neededPackages } from '../../tools/image/packages.ts';
import type { Image } from '../image/archive.ts';
import { CannotCompare } from './cannot-compare.ts';
import { type Settings, settingsOf } from './containerfile.ts';
import { ownFiles } from './own-code.ts';
import { treeOf } from './revision.ts';
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

/** Our own part of an image, by the revision that it names. */
export interface ExpectedCode {
  revision: string;
  /** Path in the image → SHA-256. */
  own: Map<string, string>;
  /** How the image starts its program. */
  settings: Settings;
}

export interface Expected {
  service: string;
  /** Why nothing is known of our own part. */
  unknown?: string;
  code?: ExpectedCode;
  /** By path in the image, `/app/node_modules/koa`. */
  packages: Map<string, ExpectedPackage>;
  /** The SHA-256 of /usr/local/bin/node. */
  node: string | undefined;
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
 * Returns what an image must be, by a git clone that has its revision checked out. Throws CannotCompare if nothing is known
 * of npm's packages; `unknown` says if nothing is known of our own code.
 */
export async function expectedOf(image: Image, clone: string, tarballs: Tarballs): Promise<Expected> {
  const service = serviceOf(image);
  const locked = await lockedIn(clone);
  const packages = neededOf(service, locked);
  const node = nodeOf(image, locked);
  const files = await tarballs.filesOf([...packages.values(), ...(node ? [node] : [])]);
  const filesOf = ({ integrity }: Locked) => files.get(integrity) ?? new Map<string, string>();
  return {
    service,
    ...(await expectedCode(image, clone, service)),
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
  };
}

async function expectedCode(
  image: Image,
  clone: string,
  service: string,
): Promise<Pick<Expected, 'code' | 'unknown'>> {
  const revision = image.labels['org.opencontainers.image.revision'] ?? 'unknown';
  try {
    const tree = await treeOf(clone, revision);
    const own = await ownFiles(tree, service, `${clone}/node_modules`);
    const settings = settingsOf(tree.get(`Containerfile.${service}`)?.toString() ?? '');
    return { code: { revision, own, settings } };
  } catch (thrown) {
    if (!(thrown instanceof CannotCompare)) throw thrown;
    return { unknown: thrown.message };
  }
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

/** The clone's own lockfile: treeOf holds the revision's to it. */
async function lockedIn(clone: string): Promise<LockPackages> {
  try {
    return JSON.parse(await readFile(join(clone, 'package-lock.json'), 'utf8')).packages;
  } catch (thrown) {
    throw new CannotCompare(`${clone} has no package-lock.json that can be read`, { cause: thrown });
  }
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
