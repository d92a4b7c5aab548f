import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnv } from '../common/env.ts';
import { schema } from './config.ts';

test('a PLAYBACK_FPS too small for a timer is refused, and the sentence says what would do', () => {
  for (const fps of ['0', '0.0000001', '0.001']) {
    assert.throws(() => readEnv(schema, { PLAYBACK_FPS: fps }), {
      message: `PLAYBACK_FPS="${fps}" must be a number above 0.001, at most 1000`,
    });
  }
  assert.equal(readEnv(schema, { PLAYBACK_FPS: '0.0011' }).PLAYBACK_FPS, 0.0011);
});

test('PLAYBACK_SIZE is a width, a height or a fraction, and nothing that would stretch or enlarge', () => {
  const read = (text: string) => readEnv(schema, { PLAYBACK_SIZE: text }).PLAYBACK_SIZE;
  assert.deepEqual(
    [read('1920x'), read('x1080'), read('0.5'), read('')],
    [{ width: 1920 }, { height: 1080 }, { fraction: 0.5 }, undefined],
  );
  for (const bad of ['1920', '1920x1080', '2', '0', '0x', 'half', '-1x']) {
    assert.throws(() => read(bad), { message: /PLAYBACK_SIZE=".*" must be a width \(1920x\), a height/ });
  }
});
