/**
 * Makes one CycloneDX document for an image: Debian's packages by dpkg, npm's by their package.json, and what was compiled or
 * copied in, which the image itself lists in /usr/share/sbom. A pure function: the same image gives the same bytes.
 */
import { createHash } from 'node:crypto';
import { PackageURL } from 'packageurl-js';
import type { Image } from './archive.ts';
import { BadImage } from './bad-image.ts';
import { type DebianPackage, debianPackages } from './dpkg.ts';
import { archiveState, handNamed } from './hand-made-sbom.ts';
import { type NpmPackage, npmPackages } from './npm.ts';
import { digestOf, fileAt, type Rootfs, textAt } from './rootfs.ts';
import { isSpdxExpression, isSpdxId } from './schema.ts';

export interface Component {
  type: string;
  'bom-ref'?: string;
  name: string;
  version?: string;
  description?: string;
  licenses?: unknown[];
  purl?: string;
  cpe?: string;
  hashes?: { alg: string; content: string }[];
  evidence?: { occurrences: { location: string }[] };
  properties?: { name: string; value: string }[];
  components?: Component[];
}

export interface Sbom {
  bomFormat: 'CycloneDX';
  specVersion: '1.6';
  serialNumber: string;
  version: 1;
  metadata: {
    timestamp?: string;
    component: Component;
    tools: unknown;
    properties: { name: string; value: string }[];
  };
  components: Component[];
}

/** The property with the state of Debian's archive; host/scan looks for this name. */
const ARCHIVE_STATE = 'noaa-pod:debianArchiveOf';

export function sbomOf(image: Image): Sbom {
  const components = withReferences(componentsOf(image));
  const identity =
    image.id ?? `sha256:${createHash('sha256').update(JSON.stringify(components)).digest('hex')}`;
  // Through JSON, which leaves out what is undefined.
  return JSON.parse(
    JSON.stringify({
      $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      serialNumber: uuidFrom(identity),
      version: 1,
      metadata: metadataOf(image, identity),
      components,
    }),
  );
}

function componentsOf({ rootfs }: Image): Component[] {
  const distribution = osRelease(rootfs);
  const npm = npmComponents(npmPackages(rootfs));
  const byHand = handNamed(rootfs);
  // An addon has the package URL of its package: it is a part of that, not a second component.
  for (const { purl, ...component } of byHand) {
    const owner = purl === undefined ? undefined : npm.get(purl);
    if (!owner) continue;
    const name = component.evidence?.occurrences[0]?.location ?? component.name;
    owner.components = [...(owner.components ?? []), { ...component, type: 'file', name }];
  }
  return [
    {
      type: 'operating-system',
      name: distribution.id,
      version: distribution.version,
      description: 'the distribution that the Debian packages are of',
    },
    ...debianPackages(rootfs).map(one => debianComponent(one, distribution)),
    ...npm.values(),
    ...byHand.filter(({ purl }) => purl === undefined || !npm.has(purl)),
  ];
}

/** Gives each component a reference of its own. */
function withReferences(components: Component[]): Component[] {
  const seen = new Map<string, number>();
  for (const component of flat(components)) {
    const reference = component.purl ?? `${component.name}@${component.version ?? ''}`;
    const times = seen.get(reference) ?? 0;
    seen.set(reference, times + 1);
    component['bom-ref'] = times === 0 ? reference : `${reference}#${times + 1}`;
  }
  return components;
}

function metadataOf({ name, id, digest, createdAt, rootfs }: Image, identity: string) {
  const state = archiveState(rootfs);
  const created = new Date(createdAt ?? '');
  return {
    timestamp: Number.isNaN(created.getTime()) ? undefined : created.toISOString(),
    tools: { components: [{ type: 'application', name: 'noaa-pod verify' }] },
    component: {
      type: 'container',
      'bom-ref': identity,
      name,
      version: digest ?? identity,
      ...(id !== undefined && { hashes: [{ alg: 'SHA-256', content: id.replace('sha256:', '') }] }),
    },
    properties: state === undefined ? [] : [{ name: ARCHIVE_STATE, value: state.toISOString() }],
  };
}

/** Returns every component, also those within others. */
export function flat(components: Component[]): Component[] {
  return components.flatMap(component => [component, ...flat(component.components ?? [])]);
}

/** What a scanner looks a component up by. One of no kind is found by no scanner. */
export type Kind = 'deb' | 'npm' | 'cpe';

export function kindOf({ purl, cpe }: Component): Kind | undefined {
  if (purl?.startsWith('pkg:npm/')) return 'npm';
  if (purl?.startsWith('pkg:deb/') && !purl.includes('arch=source')) return 'deb';
  return cpe === undefined ? undefined : 'cpe';
}

export function sha256Of(rootfs: Rootfs, path: string): string | undefined {
  const entry = fileAt(rootfs, path);
  return entry && digestOf(entry, 'sha256');
}

export function osRelease(rootfs: Rootfs): { id: string; version: string } {
  const text = textAt(rootfs, '/etc/os-release') ?? textAt(rootfs, '/usr/lib/os-release') ?? '';
  const value = (name: string): string | undefined =>
    new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1];
  return { id: value('ID') ?? 'unknown', version: value('VERSION_ID') ?? '' };
}

function debianComponent(one: DebianPackage, distribution: { id: string; version: string }): Component {
  const source = one.sourceVersion === one.version ? one.source : `${one.source}@${one.sourceVersion}`;
  const qualifiers = {
    arch: one.architecture,
    distro: `${distribution.id}-${distribution.version}`,
    ...(source !== one.name && { upstream: source }),
  };
  return {
    type: 'library',
    name: one.name,
    version: one.version,
    ...licences(one.licences),
    purl: packageUrl('deb', distribution.id, one.name, one.version, qualifiers),
    // Debian's tracker goes by source packages, whose binaries may have another version.
    properties: [
      { name: 'aquasecurity:trivy:PkgType', value: distribution.id },
      { name: 'aquasecurity:trivy:SrcName', value: one.source },
      { name: 'aquasecurity:trivy:SrcVersion', value: one.sourceVersion },
    ],
  };
}

/** Throws BadImage for a name that is none. */
function packageUrl(
  type: string,
  namespace: string | undefined,
  name: string | undefined,
  version: string,
  qualifiers?: Record<string, string>,
): string {
  try {
    return new PackageURL(type, namespace, name ?? '', version, qualifiers, undefined).toString();
  } catch (thrown) {
    throw new BadImage(`the image records a package of ${type} called "${name ?? ''}"`, { cause: thrown });
  }
}

/** Returns one component for each package and version, with every folder that holds it. */
function npmComponents(packages: NpmPackage[]): Map<string, Component> {
  const components = new Map<string, Component>();
  for (const { name, version, licence, path } of packages) {
    const [scope, bare] = name.startsWith('@') ? name.split('/') : [undefined, name];
    const purl = packageUrl('npm', scope, bare, version);
    const component = components.get(purl) ?? {
      type: 'library',
      name,
      version,
      ...licences(licence === '' ? [] : [licence]),
      purl,
      evidence: { occurrences: [] },
    };
    component.evidence?.occurrences.push({ location: path });
    components.set(purl, component);
  }
  return components;
}

/** SPDX if it is SPDX, otherwise the name as it is. CycloneDX allows one expression or a list. */
function licences(names: string[]): { licenses?: unknown[] } {
  if (names.length === 0) return {};
  const [only] = names;
  if (names.length === 1 && !isSpdxId(only!) && isSpdxExpression(only!)) {
    return { licenses: [{ expression: only }] };
  }
  return { licenses: names.map(name => ({ license: isSpdxId(name) ? { id: name } : { name } })) };
}

/** Returns a UUID of version 8 (RFC 9562) with the bits of the image's digest. */
function uuidFrom(digest: string): string {
  const hex = digest.replace('sha256:', '');
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
