import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { temporaryFolder } from '../../tests/support/clips.ts';
import { readSecret } from './secret.ts';

test('a secret is one line of a file, and no fault ever shows it', async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/secret`;
  const read = async (content: string) => {
    await writeFile(path, content);
    return await readSecret('PLAYBACK_SECRET_FILE', path);
  };
  assert.equal(await readSecret('PLAYBACK_SECRET_FILE', ''), undefined);
  assert.equal(await read(`${'a1'.repeat(32)}\n`), 'a1'.repeat(32));
  for (const [content, message] of [
    ['s3cret', /holds 6 characters, not 16 to 128; make one with/],
    ['', /holds 0 characters/],
    ['x'.repeat(129), /holds 129 characters/],
    [`${'s3cret'.repeat(4)}\n${'s3cret'.repeat(4)}\n`, /more than one line of printable ASCII/],
    [`${'s3cret'.repeat(4)}\0`, /more than one line of printable ASCII/],
  ] as const) {
    await assert.rejects(read(content), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /s3cret/);
      return true;
    });
  }
  await assert.rejects(readSecret('PLAYBACK_SECRET_FILE', `${folder.path}/none`), {
    code: 'bad-configuration',
    message: /^PLAYBACK_SECRET_FILE=".*none" does not exist; set it to/,
  });
});
