import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feedFor, frameOf, settle } from '../../tests/support/feed.ts';
import type { Frame, Stamp } from '../common/frame.ts';
import { Source } from './source.ts';

/** A source of one frame in five seconds whose rhythm is known; the last came at 10 s. */
function slowSource() {
  const transport = { connected: true };
  const source = new Source('tcp://redactor:5556', () => transport.connected);
  const frame = frameOf(1);
  for (const ms of [0, 5000, 10_000]) source.arrived(frame, ms);
  const told = (nowMs: number) => {
    const { state } = source.view(nowMs);
    assert.equal(source.ready(nowMs).ok, state === 'live', 'health says the same');
    return state;
  };
  return { transport, told, flowed: (nowMs: number) => source.arrived(frame, nowMs) };
}

test('a slow clip is live for three of its intervals behind a redactor that is connected', () => {
  const { told } = slowSource();
  assert.equal(told(24_900), 'live');
  assert.equal(told(25_100), 'stalled');
});

test('a slow clip is not live once its redactor is gone, whatever its rhythm', () => {
  const { transport, told } = slowSource();
  assert.equal(told(13_000), 'live');
  transport.connected = false;
  assert.equal(told(13_000), 'disconnected');
});

test('a redactor that is gone and back before 1.5 s without a frame changes nothing', () => {
  const { transport, told } = slowSource();
  transport.connected = false;
  assert.equal(told(11_400), 'live');
  transport.connected = true;
  assert.equal(told(14_900), 'live');
});

test('a redactor that is back makes nothing live before its first frame', () => {
  const { transport, flowed, told } = slowSource();
  transport.connected = false;
  assert.equal(told(13_000), 'disconnected');
  transport.connected = true;
  assert.equal(told(13_250), 'stalled');
  flowed(14_000);
  assert.equal(told(18_900), 'live');
});

/** A frame of a clip, as `changes` have it. */
function stamped(changes: Partial<Stamp>, flags: { repeat?: boolean; ended?: boolean } = {}): Frame {
  const stamp = { sequence: 0n, publishedAtNs: 0n, positionUs: 0n, validAtMs: 0, mask: 0n, ...changes };
  return { ...frameOf(1), version: 2, stamp, repeat: false, ended: false, ...flags };
}

test('a repeat of the picture at hand is no new one, and one whose original was lost is', () => {
  const source = new Source('tcp://redactor:5556', () => true);
  const at = (sequence: bigint, changes: Partial<Stamp>, repeat = false) =>
    source.arrived(stamped({ sequence, ...changes }, { repeat })).kind === 'repeat';
  assert.equal(at(0n, { positionUs: 5n }, true), false);
  assert.equal(at(1n, { positionUs: 5n }, true), true);
  assert.equal(at(2n, { positionUs: 6n }), false);
  assert.equal(at(4n, { positionUs: 7n }, true), false, 'frame 3 was lost on the way');
  assert.equal(at(5n, { positionUs: 7n }), false, 'not marked as a repeat');
  assert.equal(at(6n, { positionUs: 7n, mask: 1n }, true), false, 'another mask makes another picture');
  assert.equal(at(7n, { positionUs: 7n, mask: 1n, validAtMs: 1 }, true), false, 'a still, replaced');
});

test('a held picture stays live while its repeats come, however long it is held', () => {
  const source = new Source('tcp://redactor:5556', () => true);
  for (let ms = 0; ms < 90_000; ms += 1000) {
    source.arrived(stamped({ sequence: BigInt(ms / 1000) }, { repeat: ms > 0 }), ms);
    assert.equal(source.view(ms + 999).state, 'live');
  }
});

test('a clip that has ended says so, and is live again when playback begins anew', () => {
  const source = new Source('tcp://redactor:5556', () => true);
  source.arrived(stamped({ sequence: 9n }), 0);
  source.arrived(stamped({ sequence: 10n }, { repeat: true, ended: true }), 100);
  assert.equal(source.view(2000).state, 'ended');
  assert.match(source.view(2000).message, /clip has ended/);
  assert.deepEqual(source.ready(2000), { ok: false, message: 'the clip has ended' });
  source.arrived(stamped({}), 3000);
  assert.equal(source.view(3000).state, 'live');
});

const nowNs = () => BigInt(Date.now()) * 1_000_000n;

test('a sequence that goes back is a new beginning if published later, and out of order if not', () => {
  const source = new Source('tcp://redactor:5556', () => true);
  const at = (sequence: bigint, publishedAtNs: bigint, nowMs: number) =>
    source.arrived(stamped({ sequence, publishedAtNs }), nowMs).kind;
  const startNs = nowNs();
  assert.equal(at(100n, startNs, 0), 'new');
  assert.equal(at(102n, startNs + 2n, 10), 'new');
  assert.equal(at(101n, startNs + 1n, 20), 'out-of-order');
  assert.equal(at(102n, startNs + 2n, 30), 'out-of-order');
  assert.equal(at(0n, startNs + 3n, 40), 'new', 'playback has started again');
  assert.equal(at(0n, startNs, 1600), 'new', 'and again, with a clock that was set back');
});

test('a sequence that goes back is not shown, however late it was published, before its publisher can have started again', async () => {
  for (const publishedAtNs of [nowNs() + 10n ** 9n, 0n]) {
    const source = new Source('tcp://redactor:5556', () => true);
    const at = (sequence: bigint, nowMs: number) =>
      source.arrived(
        stamped({ sequence, publishedAtNs: publishedAtNs && publishedAtNs + BigInt(nowMs) }),
        nowMs,
      ).kind;
    const kinds = [100n, 101n, 99n, 102n, 50n, 103n].map((sequence, frame) => at(sequence, 33 * frame));
    assert.deepEqual(kinds, ['new', 'new', 'out-of-order', 'new', 'out-of-order', 'new']);
    assert.equal(at(14n, 600), 'out-of-order');
    assert.equal(at(15n, 700), 'new', 'playback was started again, and its first frames were lost');
    assert.equal(at(1n, 710), 'new', 'and again, and its first one was lost');
  }
});

test('of two publishers that take turns one is shown, and neither makes the other go back', () => {
  const source = new Source('tcp://redactor:5556', () => true);
  const shown: bigint[] = [];
  const at = (sequence: bigint, nowMs: number) => {
    const arrival = source.arrived(stamped({ sequence, publishedAtNs: nowNs() }), nowMs);
    if (arrival.kind === 'new') shown.push(sequence);
    return arrival;
  };
  for (let frame = 0; frame < 60; frame += 1) {
    at(BigInt(5 + frame), 33 * frame);
    assert.deepEqual(at(BigInt(900_000 + frame), 33 * frame + 16).implausible, ['sequence']);
  }
  assert.deepEqual(
    shown,
    shown.toSorted((a, b) => Number(a - b)),
  );
  assert.equal(shown.length, 60);
});

test('a sequence far ahead is shown as soon as the next frame goes on from there', () => {
  const kinds = (...sequences: bigint[]) => {
    const source = new Source('tcp://redactor:5556', () => true);
    return sequences.map(
      (sequence, ms) => source.arrived(stamped({ sequence, publishedAtNs: nowNs() }), ms).kind,
    );
  };
  assert.deepEqual(kinds(1n, 2n ** 64n - 1n, 2n, 3n), ['new', 'doubtful', 'new', 'new']);
  assert.deepEqual(kinds(1n, 2n ** 53n, 2n ** 53n + 1n), ['new', 'doubtful', 'new']);
  // As of one that numbers its frames by the microsecond.
  assert.deepEqual(kinds(1n, 10n ** 9n, 2n * 10n ** 9n, 3n * 10n ** 9n), ['new', 'doubtful', 'new', 'new']);
});

test('a picture that is late when it comes is not called live, and one from a clock just ahead is 0 ms old', async () => {
  using made = feedFor();
  const { feed, encoding, telemetry } = made;
  const take = async (sequence: bigint, aheadMs: number) => {
    feed.take(stamped({ sequence, publishedAtNs: nowNs() + BigInt(aheadMs) * 1_000_000n }));
    const still = feed.still();
    await settle();
    encoding.shift()?.resolve();
    return { latencyMs: (await still)?.facts.latencyMs, status: await feed.status() };
  };
  const late = await take(1n, -40_000);
  assert.match(late.status.message, /^Frames arrive 40 s after they were published: /);
  const ahead = await take(2n, 900);
  assert.deepEqual([ahead.latencyMs, ahead.status.message], [0, 'The picture is live.']);
  assert.equal((await telemetry.totals()).implausible.clock, 0);
});

test('what the redactor withholds is not counted as lost on the way', async () => {
  using made = feedFor();
  const { feed, telemetry } = made;
  const startNs = nowNs();
  const take = (sequence: bigint) => feed.take(stamped({ sequence, publishedAtNs: startNs + sequence }));
  take(1n);
  take(3n);
  feed.refuse('withheld', 'MASK_FILE is no mask');
  take(303n);
  take(305n);
  assert.equal((await telemetry.totals()).dropped.upstream, 2);
});

test('values that cannot be true are counted as such and poison nothing', async () => {
  using made = feedFor();
  const { feed, telemetry, encoding } = made;
  const hourNs = 3_600_000_000_000n;
  const frames = [
    stamped({ sequence: 1n, publishedAtNs: nowNs() }),
    stamped({ sequence: 2n ** 64n - 1n, publishedAtNs: nowNs() }),
    stamped({ sequence: 2n, publishedAtNs: nowNs() + hourNs }),
    stamped({ sequence: 3n, publishedAtNs: 1n }),
  ];
  for (const frame of frames) {
    feed.take(frame);
    const still = feed.still();
    await settle();
    encoding.shift()?.resolve();
    const latency = (await still)?.facts.latencyMs;
    assert.ok(latency === null || (latency! >= -1000 && latency! < 60_000), `${latency} ms`);
  }
  const { dropped, implausible, source, message } = await feed.status();
  assert.deepEqual(implausible, { sequence: 1, clock: 2 });
  assert.equal(dropped.upstream, 0);
  assert.ok(Number(source.clockBehindMs) > 1e12, 'since 1970');
  assert.match(message, /clock is \d+ s behind ours/);
  feed.take(stamped({ sequence: 4n, publishedAtNs: nowNs() }));
  assert.equal((await feed.status()).message, 'The picture is live.');
  assert.equal((await telemetry.totals()).received, 5);
  feed.take(stamped({ sequence: 2n ** 53n + 1n, publishedAtNs: nowNs() }));
  feed.take(stamped({ sequence: 2n ** 53n + 3n, publishedAtNs: nowNs() }));
  assert.equal((await feed.status()).source.sequence, null, 'digits would be lost');
});
