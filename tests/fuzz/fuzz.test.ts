/** Every input that was kept, and a moment of new ones; `npm run fuzz` looks for longer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../bench/soak/random.ts';
import { fuzz, keepFailure, keptCorpus } from './engine.ts';
import { TARGETS } from './targets.ts';

const SECONDS = 0.2;

for (const target of TARGETS) {
  test(`no input breaks ${target.name}`, async t => {
    const kept = keptCorpus(target).length;
    assert.ok(kept > 0 || target.isUnkept, 'no corpus is kept');
    const { executions, coverage, failure } = await fuzz(target, SECONDS, seeded(22));
    t.diagnostic(`${executions} executions, ${(100 * coverage).toFixed(0)} % covered`);
    assert.ok(executions >= kept);
    if (failure) throw new Error(`${keepFailure(target, failure.input)} breaks it`, { cause: failure.error });
  });
}
