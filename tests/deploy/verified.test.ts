import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Image, readImage } from '../../verify/image/archive.ts';
import { type Violation, violationsOf } from '../../verify/image/completeness.ts';
import { lockedPackages } from '../../verify/image/npm.ts';
import { flat, kindOf, sbomOf } from '../../verify/image/sbom.ts';
import { schemaFaults } from '../../verify/image/schema.ts';
import { run as runProgram } from '../../verify/scanners/run.ts';
import { type Expected, expectedOf } from '../../verify/source/expected.ts';
import { Tarballs } from '../../verify/source/tarballs.ts';
import { buildImages, CACHE, imageOf, podman, run, SERVICES, type Service, TREE } from './machine.ts';

const tarballs = new Tarballs(join(CACHE, 'tarballs'), runProgram);
const LOCKED = lockedPackages(JSON.parse(readFileSync(join(TREE, 'package-lock.json'), 'utf8')));
const folder = mkdtempSync(join(tmpdir(), 'noaa-verified-'));
const archiveOf = (service: Service) => join(folder, `noaa-${service}.oci.tar`);
const ids = new Map<Service, string>();
const images = new Map<Service, Image>();
/** By id: a name may be given to another image meanwhile. */
const idOf = (service: Service) => ids.get(service) ?? assert.fail(`${service} was not built`);
const imageAt = (service: Service) => images.get(service) ?? assert.fail(`${service} was not read`);
const expected = new Map<Service, Expected>();
const violations = (image: Image, service?: Service): Violation[] =>
  violationsOf(image, LOCKED, new Date(), service && expected.get(service));

/** The image with something done to it, as podman itself would make it, read from its archive. */
async function changed(service: Service, name: string, from: string, to: string): Promise<Image> {
  const container = await podman(['create', idOf(service)]);
  const tag = `localhost/noaa-known-bad:${name}`;
  const archive = join(folder, `${name}.tar`);
  try {
    await podman(['cp', from, `${container}:${to}`]);
    await podman(['commit', '--quiet', container, tag]);
    await podman(['save', '--quiet', '--format', 'docker-archive', '--output', archive, tag]);
  } finally {
    await podman(['rm', '--force', container]);
    await run('podman', ['image', 'rm', '--force', tag]);
  }
  return readImage(archive);
}

before(async () => {
  await buildImages();
  for (const service of SERVICES) {
    ids.set(service, await podman(['image', 'inspect', '--format', '{{.Id}}', imageOf(service)]));
    await podman([
      'save',
      '--quiet',
      '--format',
      'oci-archive',
      '--output',
      archiveOf(service),
      idOf(service),
    ]);
    const image = await readImage(archiveOf(service));
    images.set(service, image);
    const known = await expectedOf(image, TREE, tarballs);
    // While something is not committed there is no revision to compare our code with.
    assert.ok(
      known.code || image.labels['org.opencontainers.image.revision']?.endsWith('-dirty'),
      known.unknown,
    );
    expected.set(service, known);
  }
});
after(() => rmSync(folder, { recursive: true }));

for (const service of SERVICES) {
  describe(`the archive of ${service}`, () => {
    test('has the digest that podman knows it by', async () => {
      assert.equal(imageAt(service).id, `sha256:${idOf(service)}`);
    });

    test('holds only what dpkg, npm and its SBOM name, and nothing that has no business there', () => {
      assert.deepEqual(violations(imageAt(service)), []);
    });

    test('is byte by byte its revision, the tarballs of the lockfile and its Node', t => {
      t.diagnostic(
        `compared with ${expected.get(service)?.code?.revision ?? 'nothing: there are uncommitted changes'}`,
      );
      assert.deepEqual(violations(imageAt(service), service), []);
    });

    test('has an SBOM that is valid, and names Node, the addons and what was compiled, each with a way to look it up', () => {
      const sbom = sbomOf(imageAt(service));
      assert.deepEqual(schemaFaults(sbom), []);
      const kinds = Map.groupBy(flat(sbom.components), kindOf);
      assert.ok((kinds.get('deb')?.length ?? 0) > 15);
      assert.ok((kinds.get('npm')?.length ?? 0) > 15);
      const byCpe = (kinds.get('cpe') ?? []).map(({ name }) => name);
      assert.ok(byCpe.includes('node'));
      assert.equal(byCpe.includes('ffmpeg'), service === 'playback');
      const addon = flat(sbom.components).find(({ name }) => name.endsWith('/addon.node'));
      assert.match(addon?.hashes?.[0]?.content ?? '', /^[0-9a-f]{64}$/);
    });

    test("has no update of Debian's pending, in its packages or in what was compiled from its sources", async () => {
      const status = join(folder, `${service}.status`);
      const { rootfs } = imageAt(service);
      writeFileSync(status, rootfs.get('/var/lib/dpkg/status')?.read() ?? '');
      const built = flat(sbomOf(imageAt(service)).components)
        .filter(({ name, purl }) => name === 'ffmpeg' && purl?.includes('arch=source'))
        .map(({ name, version }) => `${name}=${version}`);
      const sources = join(CACHE, 'debian.sources');
      assert.ok(existsSync(sources));
      const { code, output } = await run('verify/host/pending-updates', [
        '--sources',
        sources,
        status,
        ...built,
      ]);
      assert.equal(code, 0, output);
    });
  });
}

test('a shell put into a built image is found, and so is a program exchanged for another', async () => {
  const shell = await changed('redactor', 'shell', '/bin/sh', '/usr/bin/sh');
  const rejecting = violations(shell)
    .filter(({ path }) => path === '/usr/bin/sh')
    .map(({ check }) => check);
  for (const check of ['elf-unnamed', 'unexplained', 'shell'] as const)
    assert.ok(rejecting.includes(check), check);
  const exchanged = await changed('redactor', 'exchanged', '/bin/true', '/usr/local/bin/node');
  assert.ok(
    violations(exchanged).some(
      ({ check, path }) => check === 'elf-unnamed' && path === '/usr/local/bin/node',
    ),
  );
});

test('a byte added to JavaScript of ours, or of a package, in a built image is found', async t => {
  const isKnown = expected.get('redactor')?.code !== undefined;
  if (!isKnown) t.diagnostic('our code is compared with nothing: there are uncommitted changes');
  for (const [name, path] of [
    ['altered-ours', '/app/apps/redactor/main.js'],
    ['altered-package', '/app/node_modules/zeromq/lib/index.js'],
  ] as const) {
    const altered = join(folder, `${name}.js`);
    writeFileSync(altered, `${imageAt('redactor').rootfs.get(path)?.read()}\n`);
    const image = await changed('redactor', name, altered, path);
    const found = violations(image, 'redactor').filter(
      one => one.path === path && one.check.endsWith('-changed'),
    );
    assert.equal(found.length, isKnown || path.includes('node_modules') ? 1 : 0, path);
  }
});

test('npm run verify-images on all three, with no scanner at hand, claims nothing and finds nothing to mend', async () => {
  const out = join(folder, 'out');
  const { code, output } = await run(
    process.execPath,
    ['verify/main.ts', '--out', out, ...SERVICES.map(archiveOf)],
    { env: { PATH: '/nowhere' } },
  );
  assert.equal(code, 3, output);
  assert.match(output, /^CANNOT VERIFY/);
  assert.doesNotMatch(output, /must be mended/);
  for (const service of SERVICES) assert.ok(existsSync(join(out, `noaa-${service}.cdx.json`)));
});

test('a built image is signed, and refused once a byte of it differs', async () => {
  const cosign = execFileSync(join(TREE, 'tests/support/cosign'), { encoding: 'utf8' }).trim();
  const env = {
    PATH: `${cosign}:${process.env['PATH']}`,
    COSIGN_PASSWORD: 'a password',
    XDG_STATE_HOME: join(folder, 'state'),
  };
  const signature = (...args: string[]) => run('verify/host/signature', args, { env });
  const archive = join(mkdtempSync(join(folder, 'signed-')), 'noaa-redactor.oci.tar');
  cpSync(archiveOf('redactor'), archive);
  for (const file of ['cdx.json', 'provenance.json'])
    cpSync(join(folder, `out/noaa-redactor.${file}`), join(dirname(archive), `noaa-redactor.${file}`));
  assert.equal((await signature('key', folder)).code, 0);
  const signed = await signature('sign', join(folder, 'noaa.key'), archive);
  assert.equal(signed.code, 0, signed.output);
  const loaded = await signature('load', join(folder, 'noaa.pub'), archive);
  assert.equal(loaded.code, 0, loaded.output);
  const candidate = ['image', 'inspect', '--format', '{{.Id}}', 'localhost/noaa-redactor:candidate'];
  assert.equal(await podman(candidate), idOf('redactor'));
  const bytes = readFileSync(archive);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(archive, bytes);
  const refused = await signature('verify', join(folder, 'noaa.pub'), archive);
  assert.equal(refused.code, 1, refused.output);
});

test('the scripts of the verification are clean to shellcheck', async () => {
  const scripts = ['scan', 'schedule', 'signature', 'pending-updates'].map(name => `verify/host/${name}`);
  const { code, output } = await run('shellcheck', [...scripts, 'tests/support/cosign']);
  assert.equal(code, 0, output);
});
