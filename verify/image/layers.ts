/** Reads the layers of an image and lays them over one another, as the OCI image specification has it. */
import { posix } from 'node:path';
import { BadImage } from './bad-image.ts';
import type { Budget } from './budget.ts';
import type { Entry, Rootfs } from './rootfs.ts';
import type { Spool } from './spool.ts';
import { eachEntry, type TarEntry } from './tar-entries.ts';

/** One entry of a layer, in the order of its tar. */
export interface Change {
  path: string;
  entry: Entry;
  /** For a hard link: the path of the file it shares. */
  link?: string;
}

interface Node {
  entry?: Entry;
  children: Map<string, Node>;
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const NOTHING = Buffer.alloc(0);
/** A folder that a layer only implies, as podman makes it. */
const IMPLIED: Entry = { type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, read: () => NOTHING };

export async function readLayer(
  source: AsyncIterable<Buffer>,
  budget: Budget,
  spool: Spool,
  onBytes?: (chunk: Buffer) => void,
): Promise<Change[]> {
  const changes: Change[] = [];
  await eachEntry(source, budget, tarEntry => void changes.push(changeOf(tarEntry, spool)), onBytes);
  return changes.filter(({ path }) => path !== '/');
}

function changeOf({ entry, hasCapabilities }: TarEntry, spool: Spool): Change {
  const path = posix.join('/', entry.path).replace(/(.)\/$/, '$1');
  const type = typeOf(entry.type);
  const metadata = {
    type,
    mode: (entry.mode ?? 0) & 0o7777,
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    ...(hasCapabilities && { hasCapabilities }),
  };
  if (type !== 'file' || entry.type === 'Link') {
    entry.resume();
    return {
      path,
      entry: {
        ...metadata,
        size: 0,
        ...(type === 'symlink' && { target: entry.linkpath ?? '' }),
        read: () => NOTHING,
      },
      ...(entry.type === 'Link' && { link: posix.join('/', entry.linkpath ?? '') }),
    };
  }
  const { write, content } = spool.begin(path);
  entry.on('data', write);
  return { path, entry: Object.assign(content, metadata) };
}

function typeOf(type: string): Entry['type'] {
  if (type === 'File' || type === 'OldFile' || type === 'Link') return 'file';
  if (type === 'Directory') return 'directory';
  return type === 'SymbolicLink' ? 'symlink' : 'other';
}

/**
 * Returns the files that an image has once all layers are applied, the lowest first. Throws BadImage where podman would
 * write to another place than the entry's path, or where it depends on the storage driver what is left.
 */
export function laidOver(layers: Change[][]): Rootfs {
  const root: Node = { children: new Map() };
  for (const layer of layers) {
    // A whiteout removes what lower layers left, wherever it stands in its own.
    const removed = new Set<string>();
    for (const { path } of layer) {
      const name = posix.basename(path);
      if (name === OPAQUE) find(root, posix.dirname(path))?.children.clear();
      else if (name.startsWith(WHITEOUT)) {
        const gone = posix.join(posix.dirname(path), name.slice(WHITEOUT.length));
        find(root, posix.dirname(gone))?.children.delete(posix.basename(gone));
        removed.add(gone);
      }
    }
    for (const change of layer) {
      if (posix.basename(change.path).startsWith(WHITEOUT)) continue;
      for (let at = change.path; at !== '/'; at = posix.dirname(at))
        if (removed.has(at)) throw new BadImage(`a layer both removes and holds ${at}`);
      put(root, change);
    }
  }
  const rootfs: Rootfs = new Map();
  collect(root, '', rootfs);
  return rootfs;
}

function put(root: Node, { path, entry, link }: Change): void {
  let folder = root;
  const parts = path.split('/').slice(1);
  const name = parts.pop() ?? '';
  for (const part of parts) {
    const next: Node = folder.children.get(part) ?? { children: new Map() };
    if (next.entry && next.entry.type !== 'directory') {
      throw new BadImage(`${path} lies under a ${next.entry.type}, so that podman may write it elsewhere`);
    }
    folder.children.set(part, next);
    folder = next;
  }
  const shared = link === undefined ? entry : find(root, link)?.entry;
  if (shared?.type !== entry.type)
    throw new BadImage(`${path} is a hard link to ${link}, which is not a file`);
  // podman gives the shared file the rights of the link.
  if (link !== undefined && rightsOf(shared) !== rightsOf(entry))
    throw new BadImage(`${path} is a hard link that gives ${link} other rights`);
  const before = folder.children.get(name);
  const isFolder = entry.type === 'directory';
  folder.children.set(name, { entry: shared, children: (isFolder && before?.children) || new Map() });
}

function rightsOf({ mode, uid, gid, hasCapabilities = false }: Entry): string {
  return [mode, uid, gid, hasCapabilities].join();
}

function find(root: Node, path: string): Node | undefined {
  let node: Node | undefined = root;
  for (const part of path.split('/').filter(one => one !== '')) node = node?.children.get(part);
  return node;
}

function collect(node: Node, path: string, into: Rootfs): void {
  for (const [name, child] of node.children) {
    into.set(`${path}/${name}`, child.entry ?? IMPLIED);
    collect(child, `${path}/${name}`, into);
  }
}
