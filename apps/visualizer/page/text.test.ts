import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const STRINGS = /'[^'\n]*'|"[^"\n]*"|`[^`]*`/g;
const TWO_WORDS = /[A-Za-z]{2,} [a-z]{2,}/;
/** CSS, and the message of a fault of our own. */
const NO_TEXT = /sans-serif|the page lacks/;

function textIn(source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return (code.match(STRINGS) ?? []).filter(found => TWO_WORDS.test(found) && !NO_TEXT.test(found));
}

test('all that the page says is in its HTML and in one file of text', () => {
  const files = globSync('**/*.{ts,js}', {
    cwd: import.meta.dirname,
    exclude: ['public/**', '**/*.test.ts'],
  });
  assert.ok(files.length > 40, `${files.length} files`);
  const found = files
    .filter(file => file !== 'text.ts')
    .flatMap(file =>
      textIn(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')).map(text => `${file}: ${text}`),
    );
  assert.deepEqual(found, []);
  assert.ok(textIn(readFileSync(`${import.meta.dirname}/text.ts`, 'utf8')).length > 40);
});
