/**
 * The CycloneDX documents that the build writes into an image: what no package manager knows, and which state of Debian's
 * archive the image was made from. Whoever alters an image can write anything here, so shapes are checked.
 */
import { Ajv, type ValidateFunction } from 'ajv';
import { BadImage } from './bad-image.ts';
import { type Rootfs, textAt } from './rootfs.ts';
import type { Component } from './sbom.ts';

interface Document {
  metadata?: { timestamp?: string };
  components?: Component[];
}

const PATH = /^\/usr\/share\/sbom\/[^/]+\.cdx\.json$/;

const text = { type: 'string' };
const SHAPE = {
  type: 'object',
  properties: {
    metadata: { type: 'object', properties: { timestamp: text } },
    components: { type: 'array', items: { $ref: '#/$defs/component' } },
  },
  $defs: {
    component: {
      type: 'object',
      required: ['type', 'name'],
      properties: {
        type: text,
        name: text,
        version: text,
        purl: text,
        cpe: text,
        hashes: { type: 'array', items: { type: 'object', properties: { alg: text, content: text } } },
        evidence: {
          type: 'object',
          properties: {
            occurrences: {
              type: 'array',
              items: { type: 'object', required: ['location'], properties: { location: text } },
            },
          },
        },
        components: { type: 'array', items: { $ref: '#/$defs/component' } },
      },
    },
  },
};

let validator: ValidateFunction | undefined;

/** The components that the documents name. Throws BadImage. */
export function handNamed(rootfs: Rootfs): Component[] {
  return documents(rootfs).flatMap(({ components = [] }) => components);
}

/** The state of Debian's archive that the image was made from; undefined if no document has it. */
export function archiveState(rootfs: Rootfs): Date | undefined {
  const dates = documents(rootfs).map(({ metadata }) => new Date(metadata?.timestamp ?? ''));
  return dates.find(date => !Number.isNaN(date.getTime()));
}

/** Path → SHA-256 of each file that a component says it is. */
export function namedFiles(rootfs: Rootfs): Map<string, string> {
  const named = new Map<string, string>();
  const add = ({ hashes, evidence, components = [] }: Component): void => {
    const sum = hashes?.find(({ alg }) => alg === 'SHA-256')?.content;
    for (const { location } of evidence?.occurrences ?? []) if (sum !== undefined) named.set(location, sum);
    for (const component of components) add(component);
  };
  for (const component of handNamed(rootfs)) add(component);
  return named;
}

function documents(rootfs: Rootfs): Document[] {
  const paths = [...rootfs.keys()].filter(path => PATH.test(path)).sort();
  return paths.map(path => parse(path, textAt(rootfs, path) ?? '{}'));
}

function parse(path: string, content: string): Document {
  let document: unknown;
  try {
    document = JSON.parse(content);
  } catch (thrown) {
    throw new BadImage(`${path} in the image is not JSON`, { cause: thrown });
  }
  validator ??= new Ajv().compile(SHAPE);
  if (validator(document)) return document as Document;
  const [{ instancePath = '', message = '' } = {}] = validator.errors ?? [];
  throw new BadImage(`${path} in the image is not CycloneDX: ${instancePath || '/'} ${message}`);
}
