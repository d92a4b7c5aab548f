/** For tests: programs, root filesystems and images made here, small and of known content. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Image } from './image.ts';
import type { Entry, Rootfs } from './rootfs.ts';

export interface MadeFile {
  content?: string | Buffer;
  mode?: number;
  uid?: number;
  gid?: number;
  /** A symlink to this. */
  target?: string;
}
export type Made = Record<string, MadeFile | string>;

const md5 = (content: Buffer) => createHash('md5').update(content).digest('hex');
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');

/** A 64-bit ELF file with the headers that a loader reads, and no code. */
export function elf({
  machine = 62,
  bits = 64,
  interpreter = '',
  needed = [] as string[],
  runpath = '',
  filler = '',
} = {}): Buffer {
  const strings: string[] = ['', interpreter, ...needed, runpath, filler];
  const offsets: number[] = [];
  let length = 0;
  for (const text of strings) {
    offsets.push(length);
    length += Buffer.byteLength(text) + 1;
  }
  const dynamic = [
    ...needed.map((_, index) => [1, offsets[2 + index]!]),
    ...(runpath === '' ? [] : [[29, offsets[2 + needed.length]!]]),
  ];
  const stringsAt = 64 + 3 * 56;
  const dynamicAt = stringsAt + length;
  const bytes = Buffer.alloc(dynamicAt + (dynamic.length + 2) * 16);
  bytes.writeUInt32BE(0x7f454c46, 0);
  bytes.set([bits === 64 ? 2 : 1, 1, 1], 4);
  bytes.writeUInt16LE(3, 16);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  const segments: [number, number, number][] = [
    [1, 0, bytes.length],
    [2, dynamicAt, (dynamic.length + 2) * 16],
    ...(interpreter === ''
      ? []
      : [[3, stringsAt + offsets[1]!, interpreter.length + 1] as [number, number, number]]),
  ];
  bytes.writeUInt16LE(segments.length, 56);
  for (const [index, [type, at, size]] of segments.entries()) {
    const header = 64 + index * 56;
    bytes.writeUInt32LE(type, header);
    bytes.writeBigUInt64LE(BigInt(at), header + 8);
    bytes.writeBigUInt64LE(BigInt(at), header + 16);
    bytes.writeBigUInt64LE(BigInt(size), header + 32);
    bytes.writeBigUInt64LE(BigInt(size), header + 40);
  }
  bytes.write(`${strings.join('\0')}\0`, stringsAt);
  for (const [index, [tag, value]] of [...dynamic, [5, stringsAt]].entries()) {
    bytes.writeBigUInt64LE(BigInt(tag!), dynamicAt + index * 16);
    bytes.writeBigUInt64LE(BigInt(value!), dynamicAt + index * 16 + 8);
  }
  return bytes;
}

const LIBC = elf({ filler: 'libc' });
const NODE = elf({ interpreter: '/lib64/ld-linux-x86-64.so.2', needed: ['libc.so.6'], filler: 'node' });
const ADDON = elf({ needed: ['libc.so.6'], filler: 'addon' });
const ADDON_AT = '/app/node_modules/koa/build/addon.node';

/** An image in which nothing is wrong: a package of Debian, one of npm with an addon, Node, our code. */
export function good(): Made {
  return {
    '/lib': { target: 'usr/lib' },
    '/etc/os-release': 'ID=debian\nVERSION_ID="13"\n',
    '/etc/passwd': 'root:x:0:0:root:/:/usr/sbin/nologin\n',
    '/tmp': { mode: 0o41777 },
    '/usr/lib/x86_64-linux-gnu/libc.so.6': { content: LIBC },
    '/var/lib/dpkg/status': [
      'Package: libc6',
      'Status: install ok installed',
      'Architecture: amd64',
      'Source: glibc',
      'Version: 2.41-12',
      'Conffiles:',
      ` /etc/os-release ${md5(Buffer.from('ID=debian\nVERSION_ID="13"\n'))}`,
      'Description: a library',
      ' and more about it',
      '',
      'Package: gone',
      'Status: deinstall ok config-files',
      'Version: 1',
      '',
    ].join('\n'),
    // As before the merge of /usr, which dpkg's lists still know.
    '/var/lib/dpkg/info/libc6:amd64.list':
      '/.\n/lib\n/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu/libc.so.6\n/etc/os-release\n/usr/share/doc/libc6/copyright\n',
    '/var/lib/dpkg/info/libc6:amd64.md5sums': `${md5(LIBC)}  lib/x86_64-linux-gnu/libc.so.6\n`,
    '/usr/share/doc/libc6/copyright':
      'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: LGPL-2.1+\n more\n',
    '/usr/local/bin/node': { content: NODE, mode: 0o755 },
    '/usr/share/sbom/noaa-test.cdx.json': JSON.stringify({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: { timestamp: '2099-01-09T00:00:00Z' },
      components: [
        {
          type: 'application',
          name: 'node',
          version: '24.21.0',
          licenses: [{ license: { id: 'MIT' } }],
          purl: 'pkg:generic/node@24.21.0',
          cpe: 'cpe:2.3:a:nodejs:node.js:24.21.0:*:*:*:*:*:*:*',
          hashes: [{ alg: 'SHA-256', content: sha256(NODE) }],
          evidence: { occurrences: [{ location: '/usr/local/bin/node' }] },
          components: [{ type: 'library', name: 'acorn', version: '8.18.0' }],
        },
        {
          type: 'library',
          name: 'koa',
          version: '3.3.0',
          purl: 'pkg:npm/koa@3.3.0',
          hashes: [{ alg: 'SHA-256', content: sha256(ADDON) }],
          evidence: { occurrences: [{ location: ADDON_AT }] },
        },
      ],
    }),
    '/app/package.json': '{"name":"noaa-pod","version":"0.1.0"}',
    '/app/apps/test/main.ts': 'console.log(1);\n',
    '/app/node_modules/koa/package.json': '{"name":"koa","version":"3.3.0","license":"MIT"}',
    [ADDON_AT]: { content: ADDON },
  };
}

export const GOOD = {
  node: '/usr/local/bin/node',
  addon: ADDON_AT,
  libc: '/usr/lib/x86_64-linux-gnu/libc.so.6',
};

export function rootfsFrom(made: Made): Rootfs {
  const rootfs: Rootfs = new Map();
  const folder: Entry = {
    type: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: 0,
    read: () => Buffer.alloc(0),
  };
  for (const [path, given] of Object.entries(made)) {
    const file = typeof given === 'string' ? { content: given } : given;
    for (let at = dirname(path); at !== '/'; at = dirname(at)) if (!rootfs.has(at)) rootfs.set(at, folder);
    const bytes = Buffer.from(file.content ?? '');
    const directory = (file.mode ?? 0) >= 0o40000;
    rootfs.set(path, {
      type: file.target !== undefined ? 'symlink' : directory ? 'directory' : 'file',
      mode: (file.mode ?? 0o644) & 0o7777,
      uid: file.uid ?? 0,
      gid: file.gid ?? 0,
      size: bytes.length,
      ...(file.target !== undefined && { target: file.target }),
      read: () => bytes,
    });
  }
  return rootfs;
}

export function imageFrom(made: Made): Image {
  return {
    name: 'noaa-test',
    format: 'docker-archive',
    id: `sha256:${'ab'.repeat(32)}`,
    architecture: 'amd64',
    createdAt: '2099-01-10T00:00:00Z',
    user: '10001:10001',
    labels: { 'org.opencontainers.image.created': '2099-01-10T00:00:00Z' },
    rootfs: rootfsFrom(made),
  };
}

/** Writes the tar of one layer. */
export function layerTar(made: Made, archive: string): void {
  const root = mkdtempSync(join(tmpdir(), 'noaa-layer-'));
  for (const [path, given] of Object.entries(made)) {
    const file = typeof given === 'string' ? { content: given } : given;
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    if (file.target !== undefined) symlinkSync(file.target, at);
    else if ((file.mode ?? 0) >= 0o40000) mkdirSync(at, { recursive: true });
    else writeFileSync(at, file.content ?? '');
    if (file.target === undefined) chmodSync(at, (file.mode ?? 0o644) & 0o7777);
  }
  execFileSync('tar', [
    '--owner=0',
    '--group=0',
    '--mtime=@0',
    '--sort=name',
    '-C',
    root,
    '-cf',
    archive,
    '.',
  ]);
  rmSync(root, { recursive: true });
}

function configurationOf(layers: Buffer[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      created: '2099-01-10T00:00:00Z',
      config: { User: '10001:10001', Labels: { 'org.opencontainers.image.created': '2099-01-10T00:00:00Z' } },
      rootfs: { type: 'layers', diff_ids: layers.map(tar => `sha256:${sha256(tar)}`) },
    }),
  );
}

/** `swap`: the image names its layers in another order than the archive. `tamper`: its configuration has a byte more. */
export function writeDockerArchive(
  layers: Buffer[],
  path: string,
  { swap = false, tamper = false, images = 1 } = {},
): void {
  const at = mkdtempSync(join(tmpdir(), 'noaa-archive-'));
  const configuration = configurationOf(swap ? layers.toReversed() : layers);
  const name = `${sha256(configuration)}.json`;
  writeFileSync(join(at, name), tamper ? `${configuration} ` : configuration);
  const names = layers.map((tar, index) => {
    writeFileSync(join(at, `${index}.tar`), tar);
    return `${index}.tar`;
  });
  writeFileSync(
    join(at, 'manifest.json'),
    JSON.stringify(new Array(images).fill({ Config: name, Layers: names })),
  );
  // Layers before the manifest, the upper one first: an archive owes no order.
  execFileSync('tar', ['-C', at, '-cf', path, ...names.toReversed(), name, 'manifest.json']);
  rmSync(at, { recursive: true });
}

/** `tamper`: its manifest has a byte more than its name says. */
export function writeOciArchive(
  layers: Buffer[],
  path: string,
  { compress = (bytes: Buffer) => bytes, tamper = false, images = 1 } = {},
): void {
  const at = mkdtempSync(join(tmpdir(), 'noaa-archive-'));
  mkdirSync(join(at, 'blobs/sha256'), { recursive: true });
  const put = (bytes: Buffer, written = bytes) => {
    writeFileSync(join(at, 'blobs/sha256', sha256(bytes)), written);
    return { digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  };
  const config = put(configurationOf(layers));
  const bytes = Buffer.from(JSON.stringify({ config, layers: layers.map(tar => put(compress(tar))) }));
  const manifest = put(bytes, tamper ? Buffer.concat([bytes, Buffer.from(' ')]) : bytes);
  writeFileSync(join(at, 'index.json'), JSON.stringify({ manifests: new Array(images).fill(manifest) }));
  writeFileSync(join(at, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  // podman writes its paths without the leading dot.
  execFileSync('tar', ['-C', at, '-cf', path, 'blobs', 'index.json', 'oci-layout']);
  rmSync(at, { recursive: true });
}
