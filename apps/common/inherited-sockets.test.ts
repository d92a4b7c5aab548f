import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inheritedSockets } from './inherited-sockets.ts';

test('sockets are counted from descriptor 3 on, if they are meant for this process', () => {
  assert.deepEqual(inheritedSockets({ LISTEN_FDS: '2', LISTEN_PID: '7' }, 7), [3, 4]);
  assert.deepEqual(inheritedSockets({ LISTEN_FDS: '2', LISTEN_PID: '8' }, 7), []);
  assert.deepEqual(inheritedSockets({ LISTEN_FDS: '2' }, 7), []);
  assert.deepEqual(inheritedSockets({ LISTEN_PID: '7' }, 7), []);
  assert.deepEqual(inheritedSockets({ LISTEN_FDS: '0', LISTEN_PID: '7' }, 7), []);
});

test('a number of sockets that is none is a fault that names it', () => {
  for (const LISTEN_FDS of ['x', '-1', '1.5', '65', '99999999'])
    assert.throws(() => inheritedSockets({ LISTEN_FDS, LISTEN_PID: '7' }, 7), {
      code: 'bad-configuration',
      message: /^LISTEN_FDS="\S+" must be the number of sockets/,
    });
});
