import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '../../tests/support/clips.ts';
import { decodeJpeg } from '../../tests/support/jpeg.ts';

const SCRIPT = fileURLToPath(new URL('mask-preview.ts', import.meta.url));
const run = promisify(execFile);

const MASK = {
  version: 1,
  units: 'normalised',
  fill: '#000000',
  regions: [{ name: 'pier', shape: 'rectangle', x: 0.5, y: 0.5, width: 0.25, height: 0.4, label: 'NO' }],
};

async function preview(folder: string, mask: object, ...more: string[]) {
  const file = join(folder, 'mask.json');
  await writeFile(file, JSON.stringify(mask));
  return await run(process.execPath, [SCRIPT, file, '--output', join(folder, 'out.png'), ...more], {
    env: {},
    encoding: 'utf8',
  }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }) => ({ code: code as number, stderr: stderr as string }),
  );
}

test('the border, the regions with names and labels are drawn over a grey grid of the size asked for', async () => {
  await using folder = await temporaryFolder();
  const { code, stderr } = await preview(folder.path, MASK, '--size', '320x200', '--redact-width', '10');
  assert.equal(code, 0);
  assert.match(stderr, /^mask [0-9a-f]{16} on 320×200: \S+out\.png\n$/);
  // It decodes PNG as well.
  const { width, height, rgba } = await decodeJpeg(await readFile(join(folder.path, 'out.png')));
  assert.deepEqual([width, height], [320, 200]);
  const at = (x: number, y: number) => [...rgba.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
  assert.deepEqual(at(0, 0), [0, 0, 0, 255], 'the border');
  assert.deepEqual(at(50, 50), [128, 128, 128, 255], 'the ground');
  assert.deepEqual(at(100, 50), [160, 160, 160, 255], 'a line of the grid');
  const tint = at(239, 179);
  assert.deepEqual(at(238, 179), tint, 'the region');
  assert.notDeepEqual(tint, [0, 0, 0, 255]);
  assert.deepEqual(at(240, 179), [128, 128, 128, 255], 'beside the region');
  let white = 0;
  for (let y = 100; y < 180; y += 1)
    for (let x = 160; x < 240; x += 1) if (String(at(x, y)) === '255,255,255,255') white += 1;
  assert.ok(white > 60, `${white} pixels of name and label`);
});

test('a mask at fault, one of another size and one without a size are told apart', async () => {
  await using folder = await temporaryFolder();
  const faulty = await preview(folder.path, { ...MASK, version: 3, colour: 'red' }, '--size', '320x200');
  assert.deepEqual([faulty.code, faulty.stderr.split('\n').length], [1, 4]);
  assert.match(faulty.stderr, /version must be 1/);
  const sized = { ...MASK, picture: { width: 640, height: 480 } };
  const other = await preview(folder.path, sized, '--size', '320x200');
  assert.equal(other.code, 1);
  assert.match(other.stderr, /the mask is for 640×480, and the picture is 320×200/);
  assert.equal((await preview(folder.path, sized)).code, 0);
  const unsized = await preview(folder.path, MASK);
  assert.equal(unsized.code, 2);
  assert.match(unsized.stderr, /^The mask does not state a picture; give the size of yours with --size\./);
});
