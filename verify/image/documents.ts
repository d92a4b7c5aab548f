/** The JSON documents of an image archive, by the shapes that the OCI image specification and podman give them. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { repeatedKeys } from '../../apps/common/repeated-keys.ts';
import { BadImage } from './bad-image.ts';

/** What is larger is a layer. */
export const DOCUMENT_BYTES = 4 << 20;
/** All of them together; they are held in memory. */
export const ALL_DOCUMENTS_BYTES = 32 << 20;

export interface Configuration {
  architecture?: string;
  created?: string;
  config?: {
    Labels?: Record<string, string> | null;
    User?: string;
    Env?: string[] | null;
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    WorkingDir?: string;
    StopSignal?: string;
    [other: string]: unknown;
  };
  rootfs: { diff_ids: string[] };
  history?: unknown;
}

export interface DockerManifest {
  Config: string;
  Layers: string[];
}

interface OciManifest {
  config: { digest: string };
  layers: { digest: string }[];
}

export interface Described {
  format: 'oci-archive' | 'docker-archive';
  id: string;
  digest?: string;
  configuration: Configuration;
  /** The names of the layers in the archive, from the lowest up. */
  layers: string[];
}

const digest = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' };
const text = { type: 'string' };
const texts = { type: ['array', 'null'], items: text };
/** No storage driver stacks more. */
const MAX_LAYERS = 127;
const descriptor = { type: 'object', required: ['digest'], properties: { digest } };
/** Of an image, and not of a list of images: which one would be meant? */
const ofImage = {
  enum: [
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v2+json',
  ],
};

const SHAPES = {
  index: {
    type: 'object',
    required: ['manifests'],
    properties: {
      manifests: {
        type: 'array',
        items: { ...descriptor, properties: { digest, mediaType: ofImage } },
      },
      config: false,
      layers: false,
    },
  },
  manifest: {
    type: 'object',
    required: ['config', 'layers'],
    properties: {
      config: descriptor,
      layers: { type: 'array', maxItems: MAX_LAYERS, items: descriptor },
      mediaType: ofImage,
      manifests: false,
    },
  },
  docker: {
    type: 'array',
    items: {
      type: 'object',
      required: ['Config', 'Layers'],
      properties: { Config: text, Layers: { type: 'array', maxItems: MAX_LAYERS, items: text } },
    },
  },
  configuration: {
    type: 'object',
    required: ['rootfs'],
    properties: {
      architecture: text,
      created: text,
      config: {
        type: 'object',
        properties: {
          Labels: { type: ['object', 'null'], additionalProperties: text },
          User: text,
          Env: texts,
          Entrypoint: texts,
          Cmd: texts,
          WorkingDir: text,
          StopSignal: text,
        },
      },
      rootfs: {
        type: 'object',
        required: ['diff_ids'],
        properties: { diff_ids: { type: 'array', maxItems: MAX_LAYERS, items: digest } },
      },
    },
  },
} as const;

const validators = new Map<keyof typeof SHAPES, ValidateFunction>();

/**
 * Returns what the documents say of the one image; undefined where they describe none. Each is checked against the digest
 * that names it. Throws BadImage.
 */
export function describe(documents: Map<string, Buffer>): Described | undefined {
  const isDocker = documents.has('manifest.json');
  const isOci = documents.has('index.json');
  if (isDocker && isOci) {
    throw new BadImage(
      'the archive describes its image twice, in manifest.json and in index.json: save it with podman save --format oci-archive',
    );
  }
  if (!isDocker && !isOci) return undefined;
  const described = isDocker ? dockerArchive(documents) : ociArchive(documents);
  const { diff_ids: diffIds } = described.configuration.rootfs;
  if (diffIds.length !== described.layers.length) {
    throw new BadImage(
      `the image names ${described.layers.length} layers and ${diffIds.length} digests of layers`,
    );
  }
  return described;
}

function dockerArchive(documents: Map<string, Buffer>): Described {
  const manifest = only(parse<DockerManifest[]>('docker', 'manifest.json', documents));
  const bytes = documentAt(documents, manifest.Config);
  const id = sha256(bytes);
  // The name of the configuration is its digest, with an ending or in a folder of blobs.
  if (!manifest.Config.includes(id.slice('sha256:'.length))) {
    throw new BadImage(`${manifest.Config} is not what its name says: it has the digest ${id}`);
  }
  return {
    format: 'docker-archive',
    id,
    configuration: parse<Configuration>('configuration', manifest.Config, documents),
    layers: manifest.Layers.map(plainName),
  };
}

function ociArchive(documents: Map<string, Buffer>): Described {
  const { digest } = only(
    parse<{ manifests: { digest: string }[] }>('index', 'index.json', documents).manifests,
  );
  const manifest = parse<OciManifest>('manifest', blob(documents, digest), documents);
  return {
    format: 'oci-archive',
    id: manifest.config.digest,
    digest,
    configuration: parse<Configuration>('configuration', blob(documents, manifest.config.digest), documents),
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

/** A name in a tar as podman takes it, which may be written in many ways: `./x`, `a/../x`, `/x`. */
export function plainName(name: string): string {
  return posix.join('/', name).slice(1).replace(/\/$/, '');
}

function blobPath(of: string): string {
  return `blobs/${of.replace(':', '/')}`;
}

/** Returns the path of a blob after checking its digest. */
function blob(documents: Map<string, Buffer>, of: string): string {
  const path = blobPath(of);
  const found = sha256(documentAt(documents, path));
  if (found !== of) throw new BadImage(`the blob ${of} has the digest ${found}`);
  return path;
}

function documentAt(documents: Map<string, Buffer>, path: string): Buffer {
  const bytes = documents.get(plainName(path));
  if (!bytes) throw new BadImage(`the archive has no ${path}`);
  return bytes;
}

function parse<T>(shape: keyof typeof SHAPES, path: string, documents: Map<string, Buffer>): T {
  const json = documentAt(documents, path).toString();
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (thrown) {
    throw new BadImage(`${path} in the archive is not JSON`, { cause: thrown });
  }
  const [twice] = repeatedKeys(json, folded);
  if (twice !== undefined) {
    const name = JSON.stringify(twice).slice(0, 60);
    throw new BadImage(`readers differ on ${path} in the archive: an object has the name ${name} twice`);
  }
  let validate = validators.get(shape);
  if (!validate) {
    validate = new Ajv({ allowUnionTypes: true }).compile(SHAPES[shape]);
    validators.set(shape, validate);
  }
  if (!validate(parsed)) {
    const [{ instancePath = '', message = '' } = {}] = validate.errors ?? [];
    throw new BadImage(
      `${path} in the archive is not a ${shape} document: ${instancePath || '/'} ${message}`,
    );
  }
  const other = nearly(SHAPES[shape], parsed);
  if (other !== undefined)
    throw new BadImage(`readers differ on ${path} in the archive: it has the name ${other}`);
  return parsed as T;
}

/** A name as Go compares it with a field's: whatever its case, the long s and the sign for kelvin included. */
function folded(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

interface Shape {
  readonly properties?: Readonly<Record<string, object | boolean>>;
  readonly items?: object;
}

/** Returns a name in the document that only Go takes for one of the shape's, such as `env`. */
function nearly({ properties, items }: Shape, value: unknown): string | undefined {
  if (Array.isArray(value))
    return value.map(one => nearly((items as Shape | undefined) ?? {}, one)).find(one => one !== undefined);
  if (typeof value !== 'object' || value === null || !properties) return undefined;
  const known = new Map(Object.keys(properties).map(name => [folded(name), name]));
  for (const [name, inside] of Object.entries(value)) {
    const meant = known.get(folded(name));
    if (meant !== undefined && meant !== name) return name;
    const shape = meant === undefined ? undefined : properties[meant];
    const found = typeof shape === 'object' ? nearly(shape as Shape, inside) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
