import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { framePassed } from './reclaim.ts';

const FRAME = 4 * 2 ** 20;
const heldMb = () => process.memoryUsage().arrayBuffers / 2 ** 20;

describe('framePassed', () => {
  it('has frames reclaimed that were held until they were no longer young', () => {
    const before = heldMb();
    let held: Buffer[] | undefined = Array.from({ length: 10 }, () => Buffer.alloc(FRAME));
    // Enough for several looks at the young generation, which these outlive.
    for (let passed = 0; passed < 40; passed += 1) framePassed(FRAME);
    assert.ok(heldMb() - before >= 39, 'the frames are held');
    assert.equal(held.length, 10);
    held = undefined;
    for (let passed = 0; passed < 40; passed += 1) framePassed(FRAME);
    const kept = heldMb() - before;
    // 128 looks of 16 MiB.
    for (let passed = 0; passed < 4 * 128; passed += 1) framePassed(FRAME);
    assert.ok(kept >= 39, `only ${kept} MB outlived the young generation, so this test shows nothing`);
    assert.ok(heldMb() - before < 5, `${heldMb() - before} MB are still held`);
  });
});
