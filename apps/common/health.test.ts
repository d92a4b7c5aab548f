import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowHealth } from './health.ts';
import { SequenceGaps } from './sequence.ts';

test('nothing is ready before the first frame, and the verdict says what is waited for', () => {
  const health = new FlowHealth('redactor', 'frames from playback');
  assert.deepEqual(health.ready(0), { ok: false, message: 'waiting for frames from playback' });
  assert.equal(health.alive().ok, true);
});

test('a stall is told within 2 s of the last frame, and its end with the next one', () => {
  const health = new FlowHealth('redactor', 'frames');
  for (let ms = 0; ms <= 1000; ms += 33) health.flowed(ms);
  assert.equal(health.ready(1000 + 1400).ok, true);
  assert.deepEqual(health.ready(990 + 2000), { ok: false, message: 'no frames for 2.0 s' });
  assert.equal(health.flowed(5000), true);
  assert.equal(health.ready(5001).ok, true);
  assert.equal(health.flowed(5033), false);
});

test('one late frame does not put off the word of a stall that follows it', () => {
  const health = new FlowHealth('redactor', 'frames');
  for (let ms = 0; ms <= 990; ms += 33) health.flowed(ms);
  health.flowed(990 + 1400);
  assert.equal(health.stalled(990 + 1400 + 1501), true);
});

test('a clip of one frame in two seconds is no stall once its rhythm is known', () => {
  const health = new FlowHealth('redactor', 'frames');
  health.flowed(0);
  health.flowed(2000);
  assert.equal(health.stalled(3999), false);
  assert.equal(health.stalled(2000 + 6001), true);
});

test('a source that is gone is no slow one, until it has sent a frame again', () => {
  let connected = true;
  const health = new FlowHealth('redactor', 'frames', () => connected);
  for (const ms of [0, 5000, 10_000]) health.flowed(ms);
  connected = false;
  assert.equal(health.stalled(10_000 + 1400), false);
  assert.deepEqual(health.ready(10_000 + 2000), { ok: false, message: 'no frames for 2.0 s' });
  connected = true;
  assert.equal(health.ready(10_000 + 2500).ok, false);
  assert.equal(health.flowed(13_000), true);
  assert.equal(health.stalled(17_900), false);
});

test('after a stall the old rhythm counts again as soon as two frames have shown it', () => {
  const health = new FlowHealth('redactor', 'frames');
  health.flowed(0);
  health.flowed(30_000);
  health.flowed(30_033);
  assert.equal(health.stalled(30_033 + 1501), true);
});

test('a hold in a clip that is known to end is no stall until it is overdue', () => {
  const health = new FlowHealth('playback', 'frames');
  for (let ms = 0; ms <= 990; ms += 33) health.flowed(ms);
  health.due(100_000);
  assert.equal(health.ready(101_400).ok, true);
  assert.equal(health.ready(101_600).ok, false);
  health.flowed(102_000);
  assert.equal(health.ready(103_600).ok, false);
});

test('refusals are told while they last and nothing else flows', () => {
  const health = new FlowHealth('redactor', 'frames');
  health.refused('wrong-length', 100);
  assert.deepEqual(health.ready(200), { ok: false, message: 'frames are refused: wrong-length' });
  assert.equal(health.refusing(5000), undefined);
});

test('refusals that come slowly are told until they cease, or a frame comes, or the peer is gone', () => {
  let connected = true;
  const health = new FlowHealth('visualizer', 'frames', () => connected);
  health.refused('unmarked', 0);
  health.refused('unmarked', 10_000);
  assert.equal(health.refusing(19_900), 'unmarked');
  assert.equal(health.refusing(40_100), undefined);
  connected = false;
  assert.equal(health.refusing(12_000), undefined);
  connected = true;
  health.flowed(11_000);
  assert.equal(health.refusing(19_900), undefined);
});

test('a sequence that no publisher can have reached counts nothing, and does no harm afterwards', () => {
  const gaps = new SequenceGaps();
  const at = (sequence: bigint, ms: number) => gaps.missedBefore(sequence, ms);
  assert.deepEqual([at(0n, 0), at(2n ** 64n - 1n, 33), at(2n, 66), at(3n, 99)], [0, undefined, 0, 0]);
  assert.equal(at(108_004n, 3_600_099), 108_000, 'an hour without a network');
  assert.equal(at(208_004n, 3_600_132), undefined);
});

test('two publishers that take turns lose nothing by it: each return of the other is a value that cannot be true', () => {
  const gaps = new SequenceGaps();
  let missed = 0;
  let implausible = 0;
  for (let frame = 0n; frame < 300n; frame += 1n) {
    for (const sequence of [900n + frame, 5n + frame]) {
      const before = gaps.missedBefore(sequence, Number(frame) * 33);
      if (before === undefined) implausible += 1;
      else missed += before;
    }
  }
  assert.deepEqual([missed, implausible], [0, 299]);
});

test('missing frames are counted by the sequence, and a publisher that began anew has lost none', () => {
  const gaps = new SequenceGaps();
  assert.deepEqual(
    [5n, 6n, 9n, 10n, 0n, 1n, 1n, 3n].map(sequence => gaps.missedBefore(sequence)),
    [0, 0, 2, 0, 0, 0, 0, 1],
  );
});
