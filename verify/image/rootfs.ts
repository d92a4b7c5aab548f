/** The files of an image by path, with their metadata; nothing is unpacked or run. */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { join, posix } from 'node:path';
import { BadImage } from './bad-image.ts';

export interface Entry {
  type: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits, with setuid, setgid and sticky. */
  mode: number;
  /** Undefined if not known: files in a host's folder have that host's owners. */
  uid?: number;
  gid?: number;
  /** A symlink's target, as written. */
  target?: string;
  /** Has file capabilities, which grant rights as setuid does. */
  hasCapabilities?: boolean;
  size: number;
  /** Returns `length` bytes from `from` on, fewer where the file ends; without them the whole file. */
  read(from?: number, length?: number): Buffer;
}

/** Files by absolute path, `/usr/bin/node`; without the root itself. */
export type Rootfs = Map<string, Entry>;

const MAX_LINKS = 40;

/** Returns the path with every symlink followed inside this root; undefined if it leads nowhere. */
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

/** Returns the file at `path`, following symlinks. */
export function fileAt(rootfs: Rootfs, path: string): Entry | undefined {
  const found = resolve(rootfs, path);
  const entry = found === undefined ? undefined : rootfs.get(found);
  return entry?.type === 'file' ? entry : undefined;
}

/** Records and manifests are small: dpkg's largest has 600 kB. */
const MAX_TEXT_BYTES = 8 << 20;

/** Returns the text at `path`, following symlinks. Throws BadImage if it is larger than any record of an image. */
export function textAt(rootfs: Rootfs, path: string): string | undefined {
  const entry = fileAt(rootfs, path);
  if (entry && entry.size > MAX_TEXT_BYTES) {
    throw new BadImage(
      `${path} in the image has ${entry.size >> 20} MB, and ${MAX_TEXT_BYTES >> 20} is the most`,
    );
  }
  return entry?.read().toString('utf8');
}

const CHUNK_BYTES = 1 << 20;
const digests = new WeakMap<Entry, Map<string, string>>();

/** Returns the digest of a file in hexadecimal. Reads it in pieces, once. */
export function digestOf(entry: Entry, algorithm: 'sha256' | 'md5'): string {
  const known = digests.get(entry) ?? new Map<string, string>();
  digests.set(entry, known);
  let digest = known.get(algorithm);
  if (digest === undefined) {
    const hash = createHash(algorithm);
    for (let at = 0; at < entry.size; at += CHUNK_BYTES) hash.update(entry.read(at, CHUNK_BYTES));
    digest = hash.digest('hex');
    known.set(algorithm, digest);
  }
  return digest;
}

/** Reads a folder on this host, e.g. one from `podman image mount`. */
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
        read: (from = 0, length = stat.size - from) => readPart(onHost, from, length),
      });
      if (type === 'directory') visit(inside);
    }
  };
  visit('/');
  return rootfs;
}

function readPart(path: string, from: number, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, length));
    let done = 0;
    for (let read = 1; read > 0 && done < bytes.length; done += read)
      read = readSync(file, bytes, done, bytes.length - done, from + done);
    return bytes.subarray(0, done);
  } finally {
    closeSync(file);
  }
}

function typeOf(stat: Stats): Entry['type'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : 'other';
}
