import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GlassLatency, RateMeter } from './meters.ts';

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

test('latency does not depend on how the two clocks are set', () => {
  for (const clockAheadMs of [-3_600_000, 0, 250, 3_600_000]) {
    const latency = new GlassLatency();
    for (let i = 0; i < 20; i++) {
      const publishedAt = 1e12 + i * 33;
      const receivedAt = publishedAt + 8 + 5 + clockAheadMs;
      latency.drawn({ publishedAt, latencyMs: 8, receivedAt, drawnAt: receivedAt + 10 });
    }
    assert.equal(latency.medianMs, 18, `with a clock ${clockAheadMs} ms ahead`);
  }
});

test('what a link adds beyond its shortest delay counts', () => {
  const latency = new GlassLatency();
  const draw = (i: number, onTheWayMs: number) => {
    const receivedAt = 1e12 + i * 33 + onTheWayMs;
    latency.drawn({ publishedAt: 1e12 + i * 33, latencyMs: null, receivedAt, drawnAt: receivedAt + 1 });
  };
  draw(0, 40);
  for (let i = 1; i < 20; i++) draw(i, 2540);
  assert.equal(latency.medianMs, 2501);
});

test('a clock that is set while the page is open does not spoil the latency for good', () => {
  const latency = new GlassLatency();
  for (let second = 0; second < 1200; second++) {
    const publishedAt = 1e12 + second * 1000;
    const receivedAt = publishedAt + (second > 60 ? 90_000 : 0);
    latency.drawn({ publishedAt, latencyMs: 7, receivedAt, drawnAt: receivedAt });
  }
  assert.equal(latency.medianMs, 7);
});
