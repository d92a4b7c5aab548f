/**
 * Reads an image without a daemon: an OCI archive, a docker-archive, the tar of a root filesystem, or a mounted root.
 *
 * What it says of itself is checked from the top down: the index names the manifest by digest, the manifest the
 * configuration, the configuration every layer; a byte that differs anywhere is refused.
 */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { basename, posix } from 'node:path';
import { PassThrough, Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { type Entry, type Rootfs, readDirectory } from './rootfs.ts';

export interface Image {
  /** The file's or folder's name, without what comes after the first dot. */
  name: string;
  format: 'oci-archive' | 'docker-archive' | 'rootfs-tar' | 'directory';
  /** The digest of the configuration, which podman shows as the image's id. A bare root filesystem has none. */
  id?: string;
  /** The digest of the manifest; only an OCI archive has one. */
  digest?: string;
  architecture?: string;
  /** When it was built: its label, or else its configuration, in which a reproducible build puts another time. */
  createdAt?: string;
  labels: Record<string, string>;
  user?: string;
  rootfs: Rootfs;
}

interface Configuration {
  architecture?: string;
  created?: string;
  config?: { Labels?: Record<string, string> | null; User?: string };
  rootfs: { diff_ids: string[] };
}

/** Documents of an archive are small; what is larger is a layer. */
const DOCUMENT_BYTES = 4 << 20;

export class BadImage extends Error {
  override name = 'BadImage';
}

export async function readImage(path: string): Promise<Image> {
  const name = basename(path).replace(/\..*$/, '') || path;
  if (statSync(path).isDirectory()) {
    return { name, format: 'directory', labels: {}, rootfs: readDirectory(path) };
  }
  const documents = await readDocuments(path);
  const { format, id, digest, configuration, layers } = documents.has('manifest.json')
    ? dockerArchive(documents)
    : documents.has('index.json')
      ? ociArchive(documents)
      : rootfsTar();
  if (!configuration) {
    return { name, format, labels: {}, rootfs: await readRootfsTar(path) };
  }
  const labels = configuration.config?.Labels ?? {};
  const createdAt = buildDate(labels) ?? configuration.created;
  return {
    name,
    format,
    id,
    ...(digest !== undefined && { digest }),
    ...(configuration.architecture !== undefined && { architecture: configuration.architecture }),
    ...(createdAt !== undefined && { createdAt }),
    ...(configuration.config?.User !== undefined && { user: configuration.config.User }),
    labels,
    rootfs: await readLayers(path, layers, configuration.rootfs.diff_ids),
  };
}

/** When an image says that it was built, if what it says is a date. */
export function buildDate(labels: Image['labels']): string | undefined {
  const date = labels['org.opencontainers.image.created'];
  return date === undefined || Number.isNaN(Date.parse(date)) ? undefined : date;
}

function rootfsTar() {
  return { format: 'rootfs-tar', id: '', digest: undefined, configuration: undefined, layers: [] } as const;
}

function dockerArchive(documents: Map<string, Buffer>) {
  const manifest = only(parse<{ Config: string; Layers: string[] }[]>(documents, 'manifest.json'));
  const bytes = documentAt(documents, manifest.Config);
  const id = sha256(bytes);
  // The name of the configuration is its digest, with an ending or in a folder of blobs.
  if (!manifest.Config.includes(id.slice('sha256:'.length))) {
    throw new BadImage(`${manifest.Config} is not what its name says: it has the digest ${id}`);
  }
  return {
    format: 'docker-archive' as const,
    id,
    digest: undefined,
    configuration: JSON.parse(bytes.toString()) as Configuration,
    layers: manifest.Layers,
  };
}

function ociArchive(documents: Map<string, Buffer>) {
  const { manifests } = parse<{ manifests: { digest: string }[] }>(documents, 'index.json');
  const { digest } = only(manifests);
  const manifest = JSON.parse(blob(documents, digest).toString()) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  return {
    format: 'oci-archive' as const,
    id: manifest.config.digest,
    digest,
    configuration: JSON.parse(blob(documents, manifest.config.digest).toString()) as Configuration,
    layers: manifest.layers.map(layer => blobPath(layer.digest)),
  };
}

/** A verdict is on one image; which of several would be meant? */
function only<T>(images: T[]): T {
  const [image] = images;
  if (image === undefined || images.length > 1) {
    throw new BadImage(`the archive holds ${images.length} images; save each by itself`);
  }
  return image;
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function blob(documents: Map<string, Buffer>, digest: string): Buffer {
  const bytes = documentAt(documents, blobPath(digest));
  if (sha256(bytes) !== digest) throw new BadImage(`the blob ${digest} has the digest ${sha256(bytes)}`);
  return bytes;
}

function documentAt(documents: Map<string, Buffer>, path: string): Buffer {
  const bytes = documents.get(path);
  if (!bytes) throw new BadImage(`the archive has no ${path}`);
  return bytes;
}

function parse<T>(documents: Map<string, Buffer>, path: string): T {
  return JSON.parse(documentAt(documents, path).toString()) as T;
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function readDocuments(path: string): Promise<Map<string, Buffer>> {
  const documents = new Map<string, Buffer>();
  await eachEntry(createReadStream(path), async entry => {
    const wanted = /\.json$|^blobs\//.test(entry.path) || /^[0-9a-f]{64}$/.test(entry.path);
    if (entry.type === 'File' && wanted && entry.size <= DOCUMENT_BYTES) {
      documents.set(entry.path, await contentOf(entry));
    } else {
      entry.resume();
    }
  });
  return documents;
}

async function readRootfsTar(path: string): Promise<Rootfs> {
  const rootfs: Rootfs = new Map();
  for (const change of await readLayer(createReadStream(path))) apply(rootfs, change);
  return rootfs;
}

/** One pass over the archive, whatever the order its layers lie in; each must have the digest that the image names. */
async function readLayers(
  path: string,
  layers: readonly string[],
  diffIds: readonly string[],
): Promise<Rootfs> {
  const changes = new Map<string, Change[]>();
  await eachEntry(createReadStream(path), async entry => {
    const index = layers.indexOf(entry.path);
    if (index === -1 || entry.type !== 'File') {
      entry.resume();
      return;
    }
    const hash = createHash('sha256');
    changes.set(entry.path, await readLayer(fromEntry(entry), chunk => hash.update(chunk)));
    const found = `sha256:${hash.digest('hex')}`;
    if (found !== diffIds[index]) {
      throw new BadImage(`layer ${index + 1} has the digest ${found}, and the image names ${diffIds[index]}`);
    }
  });
  const rootfs: Rootfs = new Map();
  for (const layer of layers) {
    const found = changes.get(layer);
    if (!found) throw new BadImage(`the archive has no ${layer}`);
    for (const change of found) apply(rootfs, change);
  }
  return rootfs;
}

interface Change {
  path: string;
  entry: Entry;
  /** For a hard link: the path of the file it shares. */
  link?: string;
}

async function readLayer(source: Readable, onBytes?: (chunk: Buffer) => void): Promise<Change[]> {
  const changes: Change[] = [];
  const plain = await decompressed(source);
  if (onBytes) plain.on('data', onBytes);
  await eachEntry(plain, async entry => {
    const path = posix.join('/', entry.path).replace(/(.)\/$/, '$1');
    const content = entry.type === 'File' || entry.type === 'OldFile' ? await contentOf(entry) : undefined;
    if (!content) entry.resume();
    if (path === '/') return;
    changes.push({
      path,
      entry: {
        type: typeOf(entry.type),
        mode: (entry.mode ?? 0) & 0o7777,
        uid: entry.uid ?? 0,
        gid: entry.gid ?? 0,
        size: entry.size,
        ...(entry.type === 'SymbolicLink' && { target: entry.linkpath ?? '' }),
        read: () => content ?? Buffer.alloc(0),
      },
      ...(entry.type === 'Link' && { link: posix.join('/', entry.linkpath ?? '') }),
    });
  });
  return changes;
}

function typeOf(type: string): Entry['type'] {
  if (type === 'File' || type === 'OldFile' || type === 'Link') return 'file';
  if (type === 'Directory') return 'directory';
  return type === 'SymbolicLink' ? 'symlink' : 'other';
}

/** Lays one change of a layer over what the layers under it left, as the OCI image specification has it. */
function apply(rootfs: Rootfs, { path, entry, link }: Change): void {
  const directory = posix.dirname(path);
  const name = posix.basename(path);
  if (name === '.wh..wh..opq') {
    removeUnder(rootfs, directory);
  } else if (name.startsWith('.wh.')) {
    const removed = posix.join(directory, name.slice('.wh.'.length));
    rootfs.delete(removed);
    removeUnder(rootfs, removed);
  } else {
    if (entry.type !== 'directory') removeUnder(rootfs, path);
    const shared = link === undefined ? undefined : rootfs.get(link);
    rootfs.set(path, shared ?? entry);
  }
}

function removeUnder(rootfs: Rootfs, directory: string): void {
  for (const path of rootfs.keys()) {
    if (path.startsWith(`${directory}/`)) rootfs.delete(path);
  }
}

async function contentOf(entry: ReadEntry): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The bytes of an entry of the outer archive, as a stream of Node's that holds its source back. */
function fromEntry(entry: ReadEntry): Readable {
  return Readable.from(entry as AsyncIterable<Buffer>, { objectMode: false });
}

/** Layers come plain, by gzip or by zstd; their first bytes tell which. */
async function decompressed(source: Readable): Promise<Readable> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  const head: Buffer = first.done ? Buffer.alloc(0) : first.value;
  const whole = Readable.from(
    (async function* () {
      yield head;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    })(),
    { objectMode: false },
  );
  const decoder: Transform = head.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))
    ? createGunzip()
    : head.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))
      ? createZstdDecompress()
      : new PassThrough();
  whole.once('error', error => decoder.destroy(error));
  return whole.pipe(decoder);
}

async function eachEntry(source: Readable, onEntry: (entry: ReadEntry) => Promise<void>): Promise<void> {
  const pending: Promise<void>[] = [];
  let fault: unknown;
  const parser = new Parser({
    strict: true,
    onReadEntry: entry => {
      pending.push(
        onEntry(entry).catch(thrown => {
          fault ??= thrown;
          entry.resume();
        }),
      );
    },
  });
  try {
    await pipeline(source, parser as unknown as NodeJS.WritableStream);
  } catch (thrown) {
    throw fault ?? new BadImage('this is not a tar archive that can be read', { cause: thrown });
  }
  await Promise.all(pending);
  if (fault) throw fault;
}
