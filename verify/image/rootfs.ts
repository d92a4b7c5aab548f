/** What an image holds: each path with its metadata, and nothing of it unpacked or run. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { join, posix } from 'node:path';

export interface Entry {
  type: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits, setuid, setgid and sticky among them. */
  mode: number;
  /** Undefined where the source does not tell: a directory on a host has that host's owners. */
  uid?: number;
  gid?: number;
  /** Where a symlink points, as it is written. */
  target?: string;
  size: number;
  read(): Buffer;
}

/** By absolute path, `/usr/bin/node`; the root itself is not in it. */
export type Rootfs = Map<string, Entry>;

const MAX_LINKS = 40;

/** The path that `path` means once every symlink on the way is followed inside this root; undefined if there is none. */
export function resolve(rootfs: Rootfs, path: string): string | undefined {
  let links = 0;
  let done = '/';
  const left = path.split('/').filter(part => part !== '');
  while (left.length > 0) {
    const next = posix.join(done, left.shift()!);
    const entry = rootfs.get(next);
    if (!entry && next !== '/') return undefined;
    if (entry?.type !== 'symlink') {
      done = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    const target = entry.target ?? '';
    if (target.startsWith('/')) done = '/';
    left.unshift(...target.split('/').filter(part => part !== ''));
  }
  return done;
}

/** The file at `path`, symlinks followed. */
export function fileAt(rootfs: Rootfs, path: string): Entry | undefined {
  const found = resolve(rootfs, path);
  const entry = found === undefined ? undefined : rootfs.get(found);
  return entry?.type === 'file' ? entry : undefined;
}

export function textAt(rootfs: Rootfs, path: string): string | undefined {
  return fileAt(rootfs, path)?.read().toString('utf8');
}

/** A tree on this host, such as `podman image mount` gives. */
export function readDirectory(root: string): Rootfs {
  const rootfs: Rootfs = new Map();
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path))) {
      const inside = posix.join('/', path, name);
      const onHost = join(root, inside);
      const stat = lstatSync(onHost);
      const type = typeOf(stat);
      rootfs.set(inside, {
        type,
        mode: stat.mode & 0o7777,
        size: stat.size,
        ...(type === 'symlink' && { target: readlinkSync(onHost) }),
        read: () => readFileSync(onHost),
      });
      if (type === 'directory') visit(inside);
    }
  };
  visit('/');
  return rootfs;
}

function typeOf(stat: Stats): Entry['type'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : 'other';
}
