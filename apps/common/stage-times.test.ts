import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { StageTimes } from './stage-times.ts';

test('each time counts in the first bucket that holds it and in all after it, as Prometheus has it', async () => {
  const registry = new Registry();
  registry.setDefaultLabels({ service: 'test' });
  const times = new StageTimes('noaa_test_seconds', 'How long it takes', registry);
  for (const ms of [0.25, 1, 1.25, 7000, 12_500]) times.observe(ms);
  const text = await registry.metrics();
  for (const line of [
    '# TYPE noaa_test_seconds histogram',
    'noaa_test_seconds_bucket{le="0.0005",service="test"} 1',
    'noaa_test_seconds_bucket{le="0.001",service="test"} 2',
    'noaa_test_seconds_bucket{le="0.0025",service="test"} 3',
    'noaa_test_seconds_bucket{le="5",service="test"} 3',
    'noaa_test_seconds_bucket{le="10",service="test"} 4',
    'noaa_test_seconds_bucket{le="+Inf",service="test"} 5',
    'noaa_test_seconds_sum{service="test"} 19.5025',
    'noaa_test_seconds_count{service="test"} 5',
  ])
    assert.ok(text.includes(`${line}\n`) || text.trimEnd().endsWith(line), `${line} is not in:\n${text}`);
});
