/** `npm run test:alerts`: the dashboard and its queries before a real Prometheus. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { makeClip, temporaryFolder } from '../support/clips.ts';
import { startChain } from '../support/services.ts';
import { open } from '../support/streams.ts';
import { until } from '../support/until.ts';
import { panels } from './panels.ts';
import { type Sample, startPrometheus } from './prometheus.ts';

const GRID_COLUMNS = 24;

test('every panel has a number and a place of its own', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Map<string, string>();
  for (const { title, description, fieldConfig, gridPos, targets } of panels) {
    const { x, y, w, h } = gridPos;
    assert.ok(x + w <= GRID_COLUMNS, title);
    for (let column = x; column < x + w; column += 1) {
      for (let row = y; row < y + h; row += 1) {
        assert.equal(taken.get(`${column} ${row}`), undefined, title);
        taken.set(`${column} ${row}`, title);
      }
    }
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    assert.ok(description && fieldConfig.defaults.unit, `${title} has a description and a unit`);
    assert.ok(
      targets.every(({ expr }) => !/noaa_\w+(?!.*instance=~)/.test(expr)),
      `${title} asks for the instances that are chosen`,
    );
  }
});

test('in a real Prometheus every query of every panel has data, and every line of a panel a name of its own', async t => {
  await using folder = await temporaryFolder();
  // So long that it is still encoded, and not recalled, when Prometheus asks for the first time.
  const clip = await makeClip(`${folder.path}/clip.mp4`, { seconds: 10 });
  // With times, so that it has an age.
  await using chain = await startChain({
    DATA_FILE: clip,
    CLIP_START: '2021-10-30T12:00:00Z',
    CLIP_STEP: 60,
  });
  await using prometheus = await startPrometheus(folder.path, chain);
  const watching = new AbortController();
  // A viewer, without whom nothing is written.
  (await open(`${chain.web}/stream.mjpg`, watching.signal)).on('error', () => {}).resume();
  const samples = new Map<string, Sample[]>();
  let without: string[] = [];
  const lookAgain = async () => {
    without = [];
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const result = (await prometheus.query(expr)).filter(({ value }) => value[1] !== 'NaN');
        if (result.length > 0) samples.set(expr, result);
        if (!samples.has(expr)) without.push(`${title}: ${expr}`);
      }
    }
  };
  // Only what was refused is counted by its reason.
  const isRefusal = (query: string) => query.includes('_frames_refused_total');
  const have = (isEnough: () => boolean) =>
    until(() => lookAgain().then(isEnough), 'every query to have data', 60_000, 500).catch(() =>
      assert.deepEqual(without, []),
    );
  await have(() => without.every(isRefusal));
  await rm(clip);
  await have(() => without.length === 0);
  watching.abort();
  for (const { title, type, targets } of panels) {
    const names = targets.flatMap(({ expr, legendFormat = '' }) =>
      samples.get(expr)!.map(({ metric }) => {
        const name = legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? '');
        assert.doesNotMatch(name, /^$|: $/, `${title}: ${expr} ${JSON.stringify(metric)}`);
        return name;
      }),
    );
    assert.equal(new Set(names).size, names.length, `${title} (${type}): ${names}`);
    t.diagnostic(`${title}: ${names.join(', ')}`);
  }
});
