import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameOf } from '../../tests/support/feed.ts';
import { Source } from './source.ts';

/** A source of one frame in five seconds whose rhythm is known; the last came at 10 s. */
function slowSource() {
  const transport = { connected: true };
  const source = new Source('tcp://redactor:5556', () => transport.connected);
  const frame = frameOf(1);
  for (const ms of [0, 5000, 10_000]) source.arrived(frame, ms);
  const told = (nowMs: number) => {
    const { state } = source.view(nowMs);
    assert.equal(source.ready(nowMs).ok, state === 'live', 'health says the same');
    return state;
  };
  return { transport, told, flowed: (nowMs: number) => source.arrived(frame, nowMs) };
}

test('a slow clip is live for three of its intervals behind a redactor that is connected', () => {
  const { told } = slowSource();
  assert.equal(told(24_900), 'live');
  assert.equal(told(25_100), 'stalled');
});

test('a slow clip is not live once its redactor is gone, whatever its rhythm', () => {
  const { transport, told } = slowSource();
  assert.equal(told(13_000), 'live');
  transport.connected = false;
  assert.equal(told(13_000), 'disconnected');
});

test('a redactor that is gone and back before 1.5 s without a frame changes nothing', () => {
  const { transport, told } = slowSource();
  transport.connected = false;
  assert.equal(told(11_400), 'live');
  transport.connected = true;
  assert.equal(told(14_900), 'live');
});

test('a redactor that is back makes nothing live before its first frame', () => {
  const { transport, flowed, told } = slowSource();
  transport.connected = false;
  assert.equal(told(13_000), 'disconnected');
  transport.connected = true;
  assert.equal(told(13_250), 'stalled');
  flowed(14_000);
  assert.equal(told(18_900), 'live');
});
