/**
 * `GRAFANA_SCHEMAS=FOLDER npm run test:alerts`: the dashboard before Grafana's own schemas, the files `dashboard`, `stat`,
 * `timeseries` and `prometheus` of https://github.com/grafana/grafana-foundation-sdk/tree/main/jsonschema. No package has them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { dashboard, panels } from './panels.ts';

const folder = process.env['GRAFANA_SCHEMAS'];
if (folder !== undefined) {
  const ajv = new Ajv({ strict: false, allErrors: true });
  // biome-ignore lint/suspicious/noExplicitAny: its types are of another module format
  (addFormats as any)(ajv);
  for (const name of ['dashboard', 'stat', 'timeseries', 'prometheus'])
    ajv.addSchema(JSON.parse(readFileSync(join(folder, `${name}.jsonschema.json`), 'utf8')), name);

  /** Returns what Grafana's schema has against a value. */
  const faults = (definition: string, value: unknown): string[] => {
    const validate = ajv.getSchema(definition)!;
    if (validate(value)) return [];
    return validate.errors!.map(({ instancePath, message }) => `${definition}${instancePath} ${message}`);
  };

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
    const [stat] = panels;
    assert.notDeepEqual(faults('dashboard', { ...dashboard, panels: [{ ...stat, gridpos: {} }] }), []);
    assert.notDeepEqual(faults('stat#/definitions/Options', { ...stat?.options, textMode: 'names' }), []);
    assert.notDeepEqual(faults('prometheus', { refId: 'A', query: 'up' }), []);
  });
}
