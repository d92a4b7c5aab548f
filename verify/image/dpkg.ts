/** dpkg's records in an image: its packages, the owner of each path, the digest of each file as installed. */
import { type Rootfs, resolve, textAt } from './rootfs.ts';

export interface DebianPackage {
  name: string;
  version: string;
  architecture: string;
  /** The source package: Debian's security tracker goes by it. */
  source: string;
  sourceVersion: string;
  licences: string[];
}

const INFO = '/var/lib/dpkg/info';

/** Returns the paragraphs of a deb822(5) file. A field's further lines keep their line breaks. */
export function paragraphs(text: string): Map<string, string>[] {
  return text
    .split(/\n\s*\n/)
    .filter(paragraph => paragraph.trim() !== '')
    .map(paragraph => {
      const fields = new Map<string, string>();
      let current = '';
      for (const line of paragraph.split('\n')) {
        const field = /^([^\s:#][^:]*):\s*(.*)$/.exec(line);
        if (field) {
          current = field[1]!.toLowerCase();
          fields.set(current, field[2]!);
        } else if (current !== '') {
          fields.set(current, `${fields.get(current)}\n${line}`);
        }
      }
      return fields;
    });
}

export function debianPackages(rootfs: Rootfs): DebianPackage[] {
  return paragraphs(textAt(rootfs, '/var/lib/dpkg/status') ?? '')
    .filter(fields => fields.get('status')?.endsWith(' installed'))
    .map(fields => {
      const name = fields.get('package') ?? '';
      const version = fields.get('version') ?? '';
      // `Source: zeromq3 (4.3.5-1)`: the version is there only if it differs from the binary's.
      const source = /^(\S+)(?:\s+\((.*)\))?$/.exec(fields.get('source') ?? name);
      return {
        name,
        version,
        architecture: fields.get('architecture') ?? '',
        source: source?.[1] ?? name,
        sourceVersion: source?.[2] ?? version,
        licences: debianLicences(textAt(rootfs, `/usr/share/doc/${name}/copyright`) ?? ''),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns the licences of a machine-readable copyright file, in Debian's spelling; none if the file is prose. */
function debianLicences(copyright: string): string[] {
  if (!/^Format:/im.test(copyright)) return [];
  const names = paragraphs(copyright)
    .map(fields => fields.get('license')?.split('\n')[0]?.trim() ?? '')
    .filter(name => name !== '');
  return [...new Set(names)].sort();
}

/** Returns path → owning package. /lib/x is also listed as /usr/lib/x if /lib is a link. */
export function ownedPaths(rootfs: Rootfs): Map<string, string> {
  const owners = new Map<string, string>();
  for (const path of rootfs.keys()) {
    const list = /^\/var\/lib\/dpkg\/info\/(.+?)(?::[a-z0-9]+)?\.list$/.exec(path);
    if (!list) continue;
    for (const line of (textAt(rootfs, path) ?? '').split('\n')) {
      if (!line.startsWith('/') || line === '/.') continue;
      owners.set(line, list[1]!);
      owners.set(onDisk(rootfs, line), list[1]!);
    }
  }
  return owners;
}

/** Returns path on disk → the MD5 that dpkg recorded at installation. */
export function recordedSums(rootfs: Rootfs): Map<string, string> {
  const sums = new Map<string, string>();
  for (const path of rootfs.keys()) {
    if (!path.startsWith(`${INFO}/`) || !path.endsWith('.md5sums')) continue;
    for (const line of (textAt(rootfs, path) ?? '').split('\n')) {
      const sum = /^([0-9a-f]{32})\s+(.+)$/.exec(line);
      if (sum) sums.set(onDisk(rootfs, `/${sum[2]}`), sum[1]!);
    }
  }
  for (const fields of paragraphs(textAt(rootfs, '/var/lib/dpkg/status') ?? '')) {
    for (const line of (fields.get('conffiles') ?? '').split('\n')) {
      const sum = /^\s*(\/\S+)\s+([0-9a-f]{32})/.exec(line);
      if (sum) sums.set(onDisk(rootfs, sum[1]!), sum[2]!);
    }
  }
  return sums;
}

/** Follows links in the folders of a path, but not in its last part. */
function onDisk(rootfs: Rootfs, path: string): string {
  const cut = path.lastIndexOf('/');
  const folder = resolve(rootfs, path.slice(0, cut));
  return folder === undefined ? path : `${folder === '/' ? '' : folder}/${path.slice(cut + 1)}`;
}
