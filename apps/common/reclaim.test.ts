import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { framePassed, release } from './reclaim.ts';

const FRAME = 4 * 2 ** 20;
const heldMb = () => process.memoryUsage().arrayBuffers / 2 ** 20;

/** Holds frames through several minor collections, then drops them. */
function holdFrames(count: number): void {
  const held = Array.from({ length: count }, () => Buffer.alloc(FRAME));
  pass(40);
  assert.equal(held.length, count);
}

function pass(frames: number): void {
  for (let passed = 0; passed < frames; passed += 1) framePassed(FRAME);
}

describe('framePassed', () => {
  it('has frames reclaimed that were held until they were no longer young', () => {
    const before = heldMb();
    holdFrames(10);
    pass(40);
    const kept = heldMb() - before;
    // 128 looks, one with every fourth frame.
    pass(4 * 128);
    assert.ok(heldMb() - before < 5, `${heldMb() - before} MB are still held`);
    let most = 0;
    for (let round = 0; round < 20; round += 1) {
      holdFrames(10);
      most = Math.max(most, heldMb() - before);
    }
    assert.ok(kept >= 39, `only ${kept} MB outlived the young generation, so this test shows nothing`);
    // 32 MB may gather, and one round's are in hand.
    assert.ok(most <= 75, `of 800 MB, ${most} were held at once`);
  });

  it('has large frames reclaimed soon after smaller ones have begun', () => {
    // What the test before has left.
    pass(8 * 128);
    const before = heldMb();
    holdFrames(10);
    assert.ok(heldMb() - before >= 39, 'nothing outlived the young generation, so this test shows nothing');
    const small = FRAME / 40;
    for (let passed = 0; passed < 1000; passed += 1) framePassed(small);
    assert.ok(heldMb() - before < 5, `${heldMb() - before} MB are still held`);
  });

  it('has old objects collected once a minute, however small or rare the frames are', t => {
    framePassed(1);
    let old: object | undefined = { holds: Buffer.alloc(FRAME) };
    const kept = new WeakRef(old);
    // Two minor collections make it old.
    pass(16);
    old = undefined;
    const { now } = performance;
    t.mock.method(performance, 'now', () => now.call(performance) + 61_000);
    return new Promise<void>(resolve => setImmediate(resolve)).then(() => {
      framePassed(1);
      assert.ok(kept.deref() === undefined, 'it was not collected');
    });
  });

  it('sets switches that this version of Node.js has', () => {
    const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
    for (const name of ['heap-growing-percent', 'external-memory-accounted-in-global-limit', 'expose-gc']) {
      assert.match(known, new RegExp(`^ +--${name} `, 'm'));
    }
  });
});

describe('release', () => {
  it("gives a frame's memory back at once", () => {
    const before = heldMb();
    for (let frame = 0; frame < 100; frame += 1) {
      const message = Buffer.alloc(FRAME);
      release({ message });
      assert.equal(message.length, 0);
      assert.ok(heldMb() - before < 5, `${heldMb() - before} MB are held`);
    }
  });

  it('leaves memory alone that others share', () => {
    const [message, neighbour] = [Buffer.from('small'), Buffer.from('next to it')];
    release({ message });
    assert.equal(neighbour.toString(), 'next to it');
  });
});
