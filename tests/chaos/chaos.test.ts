/** A short campaign with one seed; `npm run chaos` has all faults. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../bench/soak/random.ts';
import { campaign } from './campaign.ts';
import { FAULTS } from './faults.ts';

test('after each of a few faults the picture is live again by itself, and the cause is found', async () => {
  const quick = FAULTS.filter(fault => fault.quick);
  let count = 0;
  for await (const { fault, failures } of campaign(quick, seeded(22), 10)) {
    assert.deepEqual(failures, [], fault);
    count += 1;
  }
  assert.equal(count, quick.length);
});
