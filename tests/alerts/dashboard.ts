/** `npm run test:alerts`: the dashboard before Grafana's own schemas, and its queries before a real Prometheus. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { makeClip, temporaryFolder } from '../support/clips.ts';
import { startChain } from '../support/services.ts';
import { open } from '../support/streams.ts';
import { until } from '../support/until.ts';
import { type Sample, startPrometheus } from './prometheus.ts';

interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
}
interface Panel {
  id: number;
  title: string;
  type: 'stat' | 'timeseries';
  gridPos: { x: number; y: number; w: number; h: number };
  options: object;
  fieldConfig: { defaults: { custom?: object } };
  targets: Target[];
}

const json = (path: string) =>
  JSON.parse(readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8'));
const dashboard = json('../../examples/grafana/noaa.json');
const panels: Panel[] = dashboard.panels;
const GRID_COLUMNS = 24;

const ajv = new Ajv({ strict: false, allErrors: true });
// biome-ignore lint/suspicious/noExplicitAny: its types are of another module format
(addFormats as any)(ajv);
for (const name of ['dashboard', 'stat', 'timeseries', 'prometheus'])
  ajv.addSchema(json(`grafana-schema/${name}.jsonschema.json`), name);

/** Returns what Grafana's schema has against a value. */
function faults(definition: string, value: unknown): string[] {
  const validate = ajv.getSchema(definition)!;
  if (validate(value)) return [];
  return validate.errors!.map(({ instancePath, message }) => `${definition}${instancePath} ${message}`);
}

test('the dashboard, its panels and its queries are as Grafana’s schemas want them', () => {
  assert.deepEqual(faults('dashboard', dashboard), []);
  for (const { title, type, options, fieldConfig, targets } of panels) {
    const found = [
      ...faults(`${type}#/definitions/Options`, options),
      ...(type === 'timeseries'
        ? faults('timeseries#/definitions/GraphFieldConfig', fieldConfig.defaults.custom ?? {})
        : []),
      ...targets.flatMap(target => faults('prometheus', target)),
    ];
    assert.deepEqual(found, [], title);
  }
});

test('the schemas find what is wrong with a dashboard', () => {
  const [stat] = panels as [Panel];
  assert.notDeepEqual(faults('dashboard', { ...dashboard, panels: [{ ...stat, gridpos: {} }] }), []);
  assert.notDeepEqual(faults('stat#/definitions/Options', { ...stat.options, textMode: 'names' }), []);
  assert.notDeepEqual(faults('prometheus', { refId: 'A', query: 'up' }), []);
});

test('every panel has a number and a place of its own', () => {
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos, targets } of panels) {
    const { x, y, w, h } = gridPos;
    assert.ok(x + w <= GRID_COLUMNS, title);
    for (let column = x; column < x + w; column += 1) {
      for (let row = y; row < y + h; row += 1) {
        assert.equal(taken.get(`${column} ${row}`), undefined, title);
        taken.set(`${column} ${row}`, title);
      }
    }
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
  }
});

test('in a real Prometheus every query of every panel has data, and every line of a panel a name of its own', async t => {
  await using folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  await using chain = await startChain({ DATA_FILE: clip });
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
