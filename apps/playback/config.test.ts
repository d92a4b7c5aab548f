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
