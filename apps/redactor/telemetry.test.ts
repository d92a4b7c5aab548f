import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MarkableFrame } from '../common/frame.ts';
import { Telemetry } from './telemetry.ts';

const frame = (sequence: number) =>
  ({ stamp: { sequence: BigInt(sequence), publishedAtNs: 0n, mask: 1n } }) as MarkableFrame;

async function valuesOf(telemetry: Telemetry, name: string): Promise<number> {
  const { values } = await telemetry.registry.getSingleMetric(name)!.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}

test('a frame that is withheld is counted by its reason, and not as missed', async () => {
  const telemetry = new Telemetry(() => false);
  telemetry.published(frame(1), 1);
  for (let sequence = 2; sequence < 302; sequence += 1)
    telemetry.withheld({ reason: 'bad-mask', detail: 'no mask' }, frame(sequence));
  telemetry.published(frame(304), 1);
  assert.equal(await valuesOf(telemetry, 'noaa_redactor_frames_missed_total'), 2);
  assert.equal(await valuesOf(telemetry, 'noaa_redactor_frames_refused_total'), 300);
});

test('a mask file at fault shows in the metrics, whether frames come or not', async () => {
  let isFaulty = false;
  const telemetry = new Telemetry(() => isFaulty);
  assert.equal(await valuesOf(telemetry, 'noaa_redactor_mask_faulty'), 0);
  isFaulty = true;
  assert.equal(await valuesOf(telemetry, 'noaa_redactor_mask_faulty'), 1);
});
