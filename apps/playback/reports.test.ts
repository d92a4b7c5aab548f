import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Reports } from './reports.ts';
import { SourceHealth } from './source-health.ts';
import { Telemetry } from './telemetry.ts';

function recorded() {
  const messages: string[] = [];
  const log = pino({}, { write: line => void messages.push(JSON.parse(line).msg) });
  const telemetry = new Telemetry();
  const isLost = async () =>
    (await telemetry.registry.getSingleMetric('noaa_playback_source_lost')!.get()).values[0]?.value;
  return { messages, isLost, reports: new Reports(log, telemetry, new SourceHealth('clip.mp4'), {}) };
}

test('a clip whose decoder hangs and fails in turn is named once with each of its reasons', () => {
  const { messages, reports } = recorded();
  for (let second = 0; second < 600; second += 1)
    reports.lost(second % 8 < 3 ? 'it hangs' : 'it fails', second * 1000);
  assert.deepEqual(messages, ['it hangs', 'it fails']);
});

test('a source that goes on without being opened again is lost no more, and is logged once', async () => {
  const { messages, isLost, reports } = recorded();
  reports.lost('it hangs', 0);
  assert.equal(await isLost(), 1);
  // Storage so slow that each frame is a loss.
  for (let nowMs = 0; nowMs < 60_000; nowMs += 4000) {
    reports.lost('it hangs', nowMs);
    reports.published(0, 4000, nowMs + 100);
  }
  assert.equal(await isLost(), 0);
  assert.deepEqual(messages, ['it hangs']);
  for (let nowMs = 60_000; nowMs < 70_000; nowMs += 33) reports.published(0, 1, nowMs);
  assert.deepEqual(messages, ['it hangs', 'frames of DATA_FILE can be read again']);
  reports.lost('it hangs', 80_000);
  assert.equal(messages.length, 3);
});
