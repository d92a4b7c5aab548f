import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnv } from '../common/env.ts';
import { sector } from './sector.ts';

const read = (value: string) =>
  readEnv({ CLIP_SECTOR: sector({ desc: '' }) }, { CLIP_SECTOR: value }).CLIP_SECTOR;

test('a sector is one of those known by name, or four corners', () => {
  assert.equal(read(''), undefined);
  assert.equal(read('GOES-West-CONUS'), 'goes-west-conus');
  assert.equal(read(' 50,-120  50,-70 20,-70 20,-120 '), '50,-120 50,-70 20,-70 20,-120');
  for (const bad of [
    'goes-17',
    '50,-120',
    '91,0 0,0 0,0 0,0',
    '50,-120 50,-70 20,-70 20',
    '1,2 3,4 5,6 7,x',
  ]) {
    assert.throws(() => read(bad), {
      code: 'bad-configuration',
      message: /^CLIP_SECTOR=".*" must be one of/,
    });
  }
});
