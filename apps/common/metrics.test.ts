import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

/** The rules of `promtool check metrics`: https://github.com/prometheus/client_golang/tree/main/prometheus/testutil/promlint */
function faultsOf({ name, type, help }: { name: string; type: string; help: string }): string[] {
  const isCounter = type === 'counter';
  return [
    help.trim() === '' && 'has no help',
    isCounter !== name.endsWith('_total') && 'has the suffix _total, or lacks it',
    /_(bucket|count|sum)$/.test(name) && 'has the suffix of a histogram',
    /_(gauge|counter|histogram|summary)(_|$)/.test(name) && 'names its type',
    /[A-Z:]/.test(name) && 'is not in snake case',
    /_(ms|milliseconds?|us|micros?|microseconds?|ns|kb|kilobytes|mb|megabytes|bits|minutes?|hours?|percent)(_|$)/.test(
      name,
    ) && 'is not in base units',
  ].flatMap(fault => (fault ? [`${name} ${fault}`] : []));
}

test('the metrics that every service has are what promtool takes', async () => {
  const metrics = await createMetrics('test').getMetricsAsJSON();
  assert.ok(metrics.length > 20);
  assert.deepEqual(
    metrics.flatMap(({ name, type, help }) => faultsOf({ name, type: String(type), help })),
    [],
  );
});
