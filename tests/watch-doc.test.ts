/** The forecaster's page of the documentation against the page's own keys. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { keyTable } from '../apps/visualizer/page/panel/bindings.ts';

test('docs/watch.md has every key of the page, and no other', async () => {
  const text = await readFile(new URL('../docs/watch.md', import.meta.url), 'utf8');
  const table = /## Keys\n[\s\S]*?\|---\|---\|\n((?:\|.*\|\n)*)/.exec(text)?.[1];
  const wanted = keyTable().map(
    ({ label, keys }) => `| ${label} | ${keys.map(key => `\`${key}\``).join(', ')} |\n`,
  );
  assert.equal(table, wanted.join(''));
});
