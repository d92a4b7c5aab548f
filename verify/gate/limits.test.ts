import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { CANARIES, FAILING, isPassedOn, MAX_ARCHIVE_AGE_DAYS, MAX_DATABASE_AGE_HOURS } from './limits.ts';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const limits = parseEnv(read('limits.env'));

test("the gate's limits are those of limits.env", () => {
  assert.equal(MAX_DATABASE_AGE_HOURS, Number(limits['MAX_DATABASE_AGE_HOURS']));
  assert.equal(MAX_ARCHIVE_AGE_DAYS, Number(limits['MAX_ARCHIVE_AGE_DAYS']));
  assert.equal(FAILING.join().toUpperCase(), limits['FAILING_SEVERITIES']);
  assert.deepEqual(Object.values(CANARIES), [
    limits['CANARY_DEB'],
    limits['CANARY_NPM'],
    limits['CANARY_CPE'],
  ]);
  for (const name of limits['PASSED_ON']!.split(' ')) assert.ok(isPassedOn(name.replace('*', 'X')), name);
  assert.ok(!isPassedOn('TRIVY_IGNOREFILE') && !isPassedOn('GRYPE_DB'));
});

test('no limit is written down a second time', () => {
  const words = [limits['CANARY_DEB']!, limits['CANARY_NPM']!, ...limits['PASSED_ON']!.split(' ')];
  const sources = globSync('{host/*,{gate,image,scanners}/*.{ts,tmpl,yaml},*.ts}', {
    cwd: new URL('..', import.meta.url),
    exclude: ['**/*.test.ts'],
  });
  assert.ok(sources.includes('host/scan') && sources.length > 20);
  for (const path of sources) {
    const text = read(path);
    assert.deepEqual(
      words.filter(word => text.includes(word.replace('*', ''))),
      [],
      path,
    );
  }
});

test('the canary holds the packages that a scanner must find', () => {
  const { components } = JSON.parse(read('scanners/canary.cdx.json')) as { components: { name: string }[] };
  for (const name of Object.values(CANARIES))
    assert.ok(
      components.some(one => one.name === name),
      name,
    );
});
