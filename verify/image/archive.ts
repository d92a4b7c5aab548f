/**
 * Reads an image without a daemon: an OCI archive, a docker-archive, the tar of a root filesystem, or a mounted root.
 *
 * Its own account is checked from the top down: the index names the manifest by digest, the manifest the configuration, the
 * configuration every layer; a byte that differs anywhere is refused. Not syft: that lists what it recognises, and the
 * checks need every file, mode and owner, above all of what nothing recognises.
 */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadEntry } from 'tar';
import { BadImage } from './bad-image.ts';
import { Budget } from './budget.ts';
import {
  ALL_DOCUMENTS_BYTES,
  type Configuration,
  type Described,
  DOCUMENT_BYTES,
  describe,
  plainName,
} from './documents.ts';
import { type Change, laidOver, readLayer } from './layers.ts';
import { type Rootfs, readDirectory } from './rootfs.ts';
import { Spool } from './spool.ts';
import { eachEntry } from './tar-entries.ts';

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
  /** How it starts its program; a bare root filesystem does not say. */
  settings?: Settings;
  /** What is written in its configuration: labels, variables and the commands that built it. */
  configuration?: string;
  rootfs: Rootfs;
  /** Frees the content on disk; no file of `rootfs` can be read afterwards. */
  [Symbol.dispose](): void;
}

export interface Settings {
  entrypoint: string[];
  command: string[];
  workingDirectory: string;
  environment: string[];
  stopSignal?: string;
  /** Whatever else podman would do with it: volumes, a health check. */
  others?: string[];
}

type Content = Pick<Image, 'rootfs' | typeof Symbol.dispose>;

/** Returns the image at `path`. Throws BadImage for an archive that is damaged or costs too much to read. */
export async function readImage(path: string): Promise<Image> {
  const name = basename(path).replace(/\..*$/, '') || path;
  const { size, isDirectory } = sizeOf(path);
  if (isDirectory) {
    return { name, format: 'directory', labels: {}, rootfs: readDirectory(path), [Symbol.dispose]() {} };
  }
  const described = describe(await readDocuments(path, size));
  if (!described) {
    const content = await spooled(spool => readRootfsTar(path, size, spool));
    return { name, format: 'rootfs-tar', labels: {}, ...content };
  }
  const { format, id, digest, configuration } = described;
  return {
    name,
    format,
    id,
    ...(digest !== undefined && { digest }),
    ...metadataOf(configuration),
    ...(await spooled(spool => readLayers(path, size, spool, described))),
  };
}

async function spooled(read: (spool: Spool) => Promise<Rootfs>): Promise<Content> {
  const spool = new Spool();
  try {
    return { rootfs: await read(spool), [Symbol.dispose]: () => spool[Symbol.dispose]() };
  } catch (thrown) {
    spool[Symbol.dispose]();
    throw thrown;
  }
}

/** Returns the build date in an image's label; undefined if it is not a date. */
export function buildDate(labels: Image['labels']): string | undefined {
  const date = labels['org.opencontainers.image.created'];
  return date === undefined || Number.isNaN(Date.parse(date)) ? undefined : date;
}

/** Of another program's making, or read above. */
const WITHOUT_EFFECT = /^(Labels|User|Env|Entrypoint|Cmd|WorkingDir|StopSignal|Image|Hostname|Domainname)$/;

function metadataOf(configuration: Configuration) {
  const { architecture, created, config } = configuration;
  const labels = config?.Labels ?? {};
  const createdAt = buildDate(labels) ?? created;
  return {
    labels,
    ...(architecture !== undefined && { architecture }),
    ...(createdAt !== undefined && { createdAt }),
    ...(config?.User !== undefined && { user: config.User }),
    settings: {
      entrypoint: config?.Entrypoint ?? [],
      command: config?.Cmd ?? [],
      workingDirectory: config?.WorkingDir ?? '',
      environment: config?.Env ?? [],
      ...(config?.StopSignal !== undefined && { stopSignal: config.StopSignal }),
      others: Object.entries(config ?? {})
        .filter(([name, value]) => !WITHOUT_EFFECT.test(name) && !isEmpty(value))
        .map(([name, value]) => `${name} ${JSON.stringify(value).slice(0, 200)}`),
    },
    configuration: JSON.stringify([labels, config?.Env, configuration.history]),
  };
}

function isEmpty(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0);
}

function sizeOf(path: string) {
  const stat = statSync(path);
  return { size: stat.size, isDirectory: stat.isDirectory() };
}

/** Returns the small files of the archive by name, the documents that describe the image among them. */
async function readDocuments(path: string, size: number): Promise<Map<string, Buffer>> {
  const documents = new Map<string, Buffer>();
  const seen = new Set<string>();
  const twice = new Set<string>();
  let link: string | undefined;
  let bytes = 0;
  await eachEntry(createReadStream(path), new Budget(size), ({ entry }) => {
    const name = plainName(entry.path);
    if (entry.type !== 'Directory') (seen.has(name) ? twice : seen).add(name);
    if (/Link$/.test(entry.type) && isDocumentName(name)) link ??= name;
    if (entry.type !== 'File' || entry.size > DOCUMENT_BYTES || !isDocumentName(name)) {
      entry.resume();
      return undefined;
    }
    bytes += entry.size;
    if (bytes > ALL_DOCUMENTS_BYTES) throw new BadImage('the archive holds more than 32 MB of documents');
    return contentOf(entry).then(content => void documents.set(name, content));
  });
  if (!documents.has('manifest.json') && !documents.has('index.json')) return documents;
  const [name] = twice;
  if (name !== undefined)
    throw new BadImage(`the archive holds ${name} twice, and readers differ on which counts`);
  if (link !== undefined)
    throw new BadImage(`${link} in the archive is a link, which only some readers follow`);
  return documents;
}

function isDocumentName(name: string): boolean {
  return /^[^/]+\.json$|^blobs\/|^[0-9a-f]{64}$/.test(name);
}

async function readRootfsTar(path: string, size: number, spool: Spool): Promise<Rootfs> {
  return laidOver([await readLayer(createReadStream(path), new Budget(size), spool)]);
}

/** One pass over the archive, whatever the order its layers lie in; each must have the digest that the image names. */
async function readLayers(
  path: string,
  size: number,
  spool: Spool,
  { layers, configuration }: Described,
): Promise<Rootfs> {
  const budget = new Budget(size);
  const changes = new Map<string, Change[]>();
  // The spool takes one file at a time: the end of a layer may still be on its way when the next one begins.
  let turn = Promise.resolve();
  await eachEntry(createReadStream(path), budget, ({ entry }) => {
    const name = plainName(entry.path);
    if (entry.type !== 'File' || !layers.includes(name)) {
      entry.resume();
      return undefined;
    }
    turn = turn.then(async () => {
      const hash = createHash('sha256');
      changes.set(name, await readLayer(bytesOf(entry), budget, spool, chunk => hash.update(chunk)));
      const found = `sha256:${hash.digest('hex')}`;
      for (const [index, diffId] of configuration.rootfs.diff_ids.entries()) {
        if (layers[index] === name && found !== diffId) {
          throw new BadImage(`layer ${index + 1} has the digest ${found}, and the image names ${diffId}`);
        }
      }
    });
    return turn;
  });
  return laidOver(
    layers.map(layer => {
      const found = changes.get(layer);
      if (!found) throw new BadImage(`the archive has no ${layer}`);
      return found;
    }),
  );
}

async function contentOf(entry: ReadEntry): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytesOf(entry)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The bytes of an entry of the archive, as a stream that holds its source back. */
function bytesOf(entry: ReadEntry): AsyncIterable<Buffer> {
  return Readable.from(entry as AsyncIterable<Buffer>, { objectMode: false });
}
