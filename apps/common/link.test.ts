import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Link, type LinkEvents, LOOK_MS } from './link.ts';

/** A link with a clock of its own, which asks it as often as is due. */
class Run {
  nowMs = 1000;
  readonly link: Link;
  readonly renewals: { atMs: number; why: string }[] = [];

  constructor(events?: LinkEvents) {
    this.link = new Link(events, this.nowMs);
  }

  pass(ms: number): this {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs = Math.min(this.nowMs + LOOK_MS, endMs);
      const why = this.link.due(this.nowMs);
      if (why) this.renewals.push({ atMs: this.nowMs, why });
      // A silent peer answers the handshake at once.
      if (why === 'silent') this.link.handshaken(this.nowMs);
    }
    return this;
  }

  connect(): this {
    this.link.waits(this.nowMs);
    this.link.handshaken(this.nowMs);
    return this;
  }

  hear(): this {
    this.link.heard(this.nowMs);
    this.link.waits(this.nowMs);
    return this;
  }
}

describe('Link', () => {
  it('is made anew after a silence of 5 s, and ever more rarely while that does not help', () => {
    const { renewals } = new Run().connect().pass(200_000);
    const gaps = renewals.map(({ atMs }, i) => atMs - (renewals[i - 1]?.atMs ?? 1000));
    assert.deepEqual(gaps, [5000, 10_000, 20_000, 40_000, 80_000]);
  });

  it('lets a publisher pause for three times as long as it has before', () => {
    const run = new Run().connect();
    run.pass(1000).hear();
    for (let message = 0; message < 20; message += 1) run.pass(10_000).hear();
    assert.deepEqual(run.renewals, [{ atMs: 7000, why: 'silent' }]);
    run.pass(29_000);
    assert.equal(run.renewals.length, 1);
    run.pass(1000);
    assert.equal(run.renewals.length, 2);
  });

  it('takes neither a suspended process nor a receiver that is busy for a silence', () => {
    const run = new Run().connect().pass(1000).hear().pass(1000);
    run.nowMs += 60_000;
    assert.equal(run.link.due(run.nowMs), undefined);
    run.hear().pass(4000);
    run.link.heard(run.nowMs);
    run.pass(60_000);
    assert.deepEqual(run.renewals, []);
    // Nor has the suspension made it more patient.
    run.hear().pass(12_000);
    assert.equal(run.renewals.length, 1);
  });

  it('flaps if it falls silent again and again, and each new connection brings what the one before did not', () => {
    const losses: number[] = [];
    const events = { reconnected() {}, unreachable() {}, flapping: (count: number) => losses.push(count) };
    const run = new Run(events).connect();
    for (let cut = 0; cut < 3; cut += 1) {
      run.hear().pass(5500);
      assert.equal(run.renewals.length, cut + 1);
    }
    assert.deepEqual(losses, []);
    run.hear();
    assert.deepEqual(losses, [3]);
    assert.equal(run.link.state(run.nowMs).recentLosses, 3);
    run.hear().hear();
    assert.deepEqual(losses, [3]);
  });

  it('is made anew 2 s after libzmq has last tried, once, until libzmq tries again', () => {
    const run = new Run();
    run.link.tried(run.nowMs);
    run.pass(20_000);
    assert.deepEqual(run.renewals, [{ atMs: 3000, why: 'given-up' }]);
    run.link.tried(run.nowMs);
    run.pass(20_000);
    assert.equal(run.renewals.length, 2);
  });

  it('counts as connected while a silent one is made anew, for a second', () => {
    const { link } = new Run().connect().pass(4500);
    const nowMs = 6000;
    assert.equal(link.due(nowMs), 'silent');
    link.tried(nowMs);
    assert.equal(link.connected(nowMs + 900), true);
    assert.equal(link.connected(nowMs + 1100), false);
    link.handshaken(nowMs + 1200);
    assert.equal(link.connected(nowMs + 1200), true);
  });
});
