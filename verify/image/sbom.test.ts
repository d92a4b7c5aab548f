import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GOOD, good, imageFrom } from '../fixtures/made.ts';
import { flat, kindOf, sbomOf } from './sbom.ts';
import { schemaFaults } from './schema.ts';

const sbom = sbomOf(imageFrom(good()));

test('the SBOM is valid by the official schema of CycloneDX 1.6, and that schema can say no', () => {
  assert.deepEqual(schemaFaults(sbom), []);
  assert.notDeepEqual(schemaFaults({ ...sbom, components: [{ type: 'gadget', name: 'x' }] }), []);
  const wrong = [{ type: 'library', name: 'x', licenses: [{ license: { id: 'Not-A-Licence' } }] }];
  assert.notDeepEqual(schemaFaults({ ...sbom, components: wrong }), []);
});

test("the SBOM says which state of Debian's archive the image is made from, and an image that does not tell has none", () => {
  assert.deepEqual(sbom.metadata.properties, [
    { name: 'noaa-pod:debianArchiveOf', value: '2099-01-09T00:00:00.000Z' },
  ]);
  const made = good();
  delete made['/usr/share/sbom/noaa-test.cdx.json'];
  const untold = sbomOf(imageFrom(made));
  assert.deepEqual(untold.metadata.properties, []);
  assert.deepEqual(schemaFaults(untold), []);
});

test('packages of Debian are named as scanners look them up, with their source and licence', () => {
  const libc = sbom.components.find(({ name }) => name === 'libc6');
  assert.equal(libc?.purl, 'pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13&upstream=glibc');
  assert.deepEqual(libc?.licenses, [{ license: { id: 'LGPL-2.1+' } }]);
  assert.equal(kindOf(libc!), 'deb');
});

test('a package whose files are gone is not in the SBOM', () => {
  assert.equal(
    sbom.components.find(({ name }) => name === 'gone'),
    undefined,
  );
});

test('packages of npm stand in it once, with where they lie and what was compiled in them', () => {
  const koa = sbom.components.filter(({ name }) => name === 'koa');
  assert.equal(koa.length, 1);
  assert.equal(koa[0]?.purl, 'pkg:npm/koa@3.3.0');
  assert.deepEqual(koa[0]?.evidence, { occurrences: [{ location: '/app/node_modules/koa' }] });
  assert.deepEqual(
    koa[0]?.components?.map(({ type, name }) => [type, name]),
    [['file', GOOD.addon]],
  );
});

test('what was put there by hand stands in it with its digest, and what is inside it', () => {
  const node = sbom.components.find(({ name }) => name === 'node');
  assert.equal(kindOf(node!), 'cpe');
  assert.match(node?.hashes?.[0]?.content ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(
    node?.components?.map(({ name }) => name),
    ['acorn'],
  );
});

test('every component has a reference of its own', () => {
  const references = flat(sbom.components).map(component => component['bom-ref']);
  assert.equal(new Set(references).size, references.length);
  assert.ok(references.every(reference => reference !== undefined));
});

test('the same image gives the same bytes, and another image another serial number', () => {
  assert.equal(JSON.stringify(sbomOf(imageFrom(good()))), JSON.stringify(sbom));
  const other = sbomOf({ ...imageFrom(good()), id: `sha256:${'cd'.repeat(32)}` });
  assert.notEqual(other.serialNumber, sbom.serialNumber);
});

test('the canary that scanners are tried on is valid, and has each kind of component', () => {
  const canary = JSON.parse(readFileSync(new URL('../scanners/canary.cdx.json', import.meta.url), 'utf8'));
  assert.deepEqual(schemaFaults(canary), []);
  assert.deepEqual(canary.components.map(kindOf).filter(Boolean), ['deb', 'npm', 'cpe']);
});
