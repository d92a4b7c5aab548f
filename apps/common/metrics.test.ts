import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricFaults } from '../../tests/support/promlint.ts';
import { createMetrics } from './metrics.ts';

test('the metrics that every service has are what promtool takes', async () => {
  const text = await createMetrics('test').metrics();
  assert.ok(text.match(/^# TYPE /gm)!.length > 20);
  assert.deepEqual(metricFaults(text), []);
});
