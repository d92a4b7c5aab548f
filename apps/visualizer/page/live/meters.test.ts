import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyMeter, lateness, RateMeter } from './meters.ts';

test('the rate is that of the last two seconds', () => {
  const meter = new RateMeter();
  assert.equal(meter.perSecond(0), undefined);
  for (let i = 0; i < 300; i++) meter.tick((i * 1000) / 30);
  assert.ok(Math.abs(meter.perSecond(9970)! - 30) < 1e-9);
  assert.equal(meter.perSecond(12_000), undefined, 'nothing for two seconds is no rate');
  for (let i = 0; i < 30; i++) meter.tick(12_000 + i * 100);
  assert.ok(Math.abs(meter.perSecond(14_900)! - 10) < 1e-9);
});

test('a burst is no rate, and a picture every four seconds is one', () => {
  const meter = new RateMeter();
  for (const ms of [0, 2, 4, 6]) meter.tick(ms);
  assert.equal(meter.perSecond(8), undefined);
  for (const ms of [4000, 8000, 12_000]) meter.tick(ms);
  assert.equal(meter.perSecond(15_000), 0.25);
});

test('the latency shown is not moved by one late picture, the one that is judged by is', () => {
  const meter = new LatencyMeter();
  assert.equal(meter.medianMs, undefined);
  assert.equal(meter.cautiousMs, undefined);
  for (let i = 0; i < 20; i++) meter.add(20);
  meter.add(3000);
  assert.equal(meter.medianMs, 20);
  assert.equal(meter.cautiousMs, 3000);
});

test('a link that was late is trusted again only when most of its pictures are in time', () => {
  const meter = new LatencyMeter();
  for (let i = 0; i < 9; i++) meter.add(3000);
  for (let i = 0; i < 4; i++) meter.add(20);
  assert.equal(meter.cautiousMs, 3000);
  meter.add(20);
  assert.equal(meter.cautiousMs, 20);
});

test('a picture that is older than our being here is no later than we are here', () => {
  assert.equal(lateness(40, 60_000), 40);
  assert.equal(lateness(9000, 120), 120);
  assert.equal(lateness(9000, 6000), 6000, 'a slow link is slow from the first picture on');
  assert.equal(lateness(-3, 120), 0, 'two clocks agree to some milliseconds');
});
