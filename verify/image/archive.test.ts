import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { good, layerTar, type Made, writeDockerArchive, writeOciArchive } from '../fixtures/made.ts';
import { readImage } from './archive.ts';
import { resolve, textAt } from './rootfs.ts';

const folder = mkdtempSync(join(tmpdir(), 'noaa-image-'));
after(() => rmSync(folder, { recursive: true }));

const UPPER: Made = {
  '/app/.wh.package.json': '',
  '/etc/.wh..wh..opq': '',
  '/etc/os-release': 'ID=debian\nVERSION_ID="14"\n',
};

let made = 0;
const fresh = () => {
  made += 1;
  const path = join(folder, String(made));
  mkdirSync(path);
  return path;
};

function layers(): Buffer[] {
  return [good(), UPPER].map((layer, index) => {
    const path = join(folder, `layer-${index}.tar`);
    layerTar(layer, path);
    return readFileSync(path);
  });
}

function dockerArchive(fault: { swap?: boolean; tamper?: boolean; images?: number } = {}): string {
  const path = `${fresh()}.tar`;
  writeDockerArchive(layers(), path, fault);
  return path;
}

function ociArchive(
  compress: (bytes: Buffer) => Buffer,
  fault: { tamper?: boolean; images?: number } = {},
): string {
  const path = `${fresh()}.tar`;
  writeOciArchive(layers(), path, { compress, ...fault });
  return path;
}

test('a docker-archive and an OCI archive, plain, by gzip or by zstd, give the same files and the same id', async () => {
  const archives = [
    dockerArchive(),
    ociArchive(bytes => bytes),
    ociArchive(bytes => gzipSync(bytes)),
    ociArchive(bytes => zstdCompressSync(bytes)),
  ];
  const ids = new Set<string | undefined>();
  for (const archive of archives) {
    const image = await readImage(archive);
    ids.add(image.id);
    assert.equal(image.user, '10001:10001');
    assert.equal(image.rootfs.get('/usr/local/bin/node')?.mode, 0o755);
    assert.equal(image.rootfs.get('/tmp')?.mode, 0o1777);
    assert.equal(
      resolve(image.rootfs, '/lib/x86_64-linux-gnu/libc.so.6'),
      '/usr/lib/x86_64-linux-gnu/libc.so.6',
    );
  }
  assert.equal(ids.size, 1);
});

test('a layer replaces, removes one by one and removes all of what lies under it', async () => {
  const { rootfs } = await readImage(dockerArchive());
  assert.equal(textAt(rootfs, '/etc/os-release'), 'ID=debian\nVERSION_ID="14"\n');
  assert.equal(rootfs.has('/etc/passwd'), false, 'opaque');
  assert.equal(rootfs.has('/app/package.json'), false, 'whiteout');
  assert.equal(rootfs.has('/app/node_modules/koa/package.json'), true, 'the rest is there');
  assert.deepEqual(
    [...rootfs.keys()].filter(path => path.includes('.wh.')),
    [],
  );
});

test('a byte that differs in a layer, a configuration or a manifest is refused', async () => {
  await assert.rejects(
    readImage(dockerArchive({ swap: true })),
    /layer \d has the digest sha256:.* and the image names/,
  );
  await assert.rejects(readImage(dockerArchive({ tamper: true })), /is not what its name says/);
  await assert.rejects(
    readImage(ociArchive(bytes => bytes, { tamper: true })),
    /the blob sha256:.* has the digest sha256:/,
  );
});

test('an archive of two images is refused: which of them would be meant?', async () => {
  await assert.rejects(readImage(dockerArchive({ images: 2 })), /holds 2 images/);
  await assert.rejects(readImage(ociArchive(bytes => bytes, { images: 2 })), /holds 2 images/);
});

test('the tar of a root filesystem and a mounted one are read as what they are, without a digest', async () => {
  const tar = join(folder, 'exported.tar');
  layerTar(good(), tar);
  const mounted = fresh();
  execFileSync('tar', ['-C', mounted, '-xpf', tar]);
  for (const [path, expected] of [
    [tar, 'rootfs-tar'],
    [mounted, 'directory'],
  ] as const) {
    const { format, id, rootfs } = await readImage(path);
    assert.equal(format, expected);
    assert.equal(id, undefined);
    assert.match(textAt(rootfs, '/etc/os-release') ?? '', /VERSION_ID="13"/);
    assert.equal(rootfs.get('/lib')?.target, 'usr/lib');
  }
});

test('what is no archive is refused in one sentence', async () => {
  const path = join(folder, 'noise');
  writeFileSync(path, Buffer.alloc(5000, 7));
  await assert.rejects(readImage(path), /not a tar archive that can be read/);
});
