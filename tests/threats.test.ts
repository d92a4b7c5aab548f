/** The threat model names the tests that it relies on; they are there, under these names. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const PAGE = new URL('../docs/threats.md', import.meta.url);

test('every test that the threat model names is in the file that it names', () => {
  const page = readFileSync(PAGE, 'utf8');
  const named = [...page.matchAll(/\]\((\.\.\/\S+\.test\.ts)\): "([^"]+)"/g)];
  assert.ok(named.length >= 20, `${named.length} tests`);
  for (const [, path, name] of named) {
    const source = readFileSync(new URL(path!, PAGE), 'utf8').replaceAll("\\'", "'");
    assert.ok(source.includes(name!), `${path} has no test named "${name}"`);
  }
});
