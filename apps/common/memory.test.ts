import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameLayout, parseMessage } from './frame.ts';
import { longestMessage } from './memory.ts';

const MB = 2 ** 20;

test('eight of the longest messages fit beside what the service holds itself', () => {
  assert.equal(longestMessage(112 * MB, 512 * MB), 50 * MB);
});

test('a limit that leaves nothing for frames is named with what would do', () => {
  assert.throws(() => longestMessage(1150 * MB, 1024 * MB), {
    code: 'bad-configuration',
    message: /memory limit of 1024 MB is below the 1150 MB .* raise it, or set LOOP_MB to less/,
  });
});

test('a frame that is too long for the memory there is, is refused with both sizes', () => {
  const layout = new FrameLayout('i420', 2000, 2000);
  const message = layout.allocate();
  assert.equal(parseMessage([message], message.length).ok, true);
  const refused = parseMessage([message], message.length - 1);
  assert.deepEqual(refused, {
    ok: false,
    reason: 'too-long',
    detail:
      "a frame of 6 MB; this service's memory has room for frames of 5 MB, and needs 8 times as much for larger ones",
  });
});
