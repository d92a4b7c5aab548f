import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '../../messages.js';
import { type Facts, judge, PATIENCE_MS } from './liveness.ts';

const status = (state: Status['state']) =>
  ({ state, message: `it is ${state}`, viewers: { now: 7, max: 7, sse: 7, mjpeg: 0 } }) as Status;

const live: Facts = {
  hidden: false,
  held: 'no',
  link: 'open',
  polling: false,
  status: status('live'),
  drawn: true,
  unseenForMs: 0,
  latencyMs: 20,
  before: 'live',
};

test('a picture is live when the link, the server and the screen agree', () => {
  const { state, picture } = judge(live);
  assert.deepEqual({ state, picture }, { state: 'live', picture: true });
});

test('a picture is never live when any one of them does not', () => {
  const against: Record<string, Partial<Facts>> = {
    connecting: { drawn: false },
    'no status yet': { status: undefined },
    'the link is silent': { link: 'silent' },
    'the link is lost': { link: 'lost' },
    'the link is closed': { link: 'closed' },
    'every place is taken': { link: 'full' },
    'the server waits': { status: status('waiting') },
    'the server sees a stall': { status: status('stalled') },
    'the server has lost its source': { status: status('disconnected') },
    'the server refuses its source': { status: status('refusing') },
    'newer frames do not get here': { unseenForMs: PATIENCE_MS + 1 },
    'the tab is hidden': { hidden: true },
  };
  for (const [why, facts] of Object.entries(against)) {
    const { state, label, picture } = judge({ ...live, ...facts });
    assert.notEqual(state, 'live', why);
    assert.notEqual(label, 'Live', why);
    assert.equal(picture, false, `the last picture is taken away: ${why}`);
  }
});

test('a paused picture stays and says so, whatever becomes of the rest', () => {
  for (const facts of [{}, { link: 'closed' }, { hidden: true }, { status: status('stalled') }] as const) {
    const { state, label, picture } = judge({ ...live, held: 'paused', ...facts });
    assert.deepEqual({ state, label, picture }, { state: 'paused', label: 'Paused', picture: true });
  }
});

test('a loop is never called live, whatever becomes of the rest', () => {
  for (const facts of [{}, { link: 'closed' }, { hidden: true }, { status: status('stalled') }] as const) {
    const { state, label, message, picture } = judge({ ...live, held: 'loop', ...facts });
    assert.deepEqual({ state, label, picture }, { state: 'loop', label: 'Loop', picture: true });
    assert.match(message, /not live/);
  }
});

test('the held picture stays while a pause ends, unless what comes is not a live picture', () => {
  const ending: Facts = { ...live, held: 'ending', link: 'connecting', status: undefined, drawn: false };
  assert.equal(judge(ending).state, 'resuming');
  assert.equal(judge(ending).picture, true);
  assert.equal(judge({ ...ending, link: 'open', status: status('stalled') }).state, 'stalled');
  assert.equal(judge({ ...ending, link: 'lost' }).state, 'reconnecting');
});

test('a picture that comes late is shown as late', () => {
  const { state, message, picture } = judge({ ...live, latencyMs: 3210 });
  assert.equal(state, 'delayed');
  assert.match(message, /3\.2 s behind/);
  assert.equal(picture, true);
  assert.equal(judge({ ...live, latencyMs: 1500 }).state, 'live');
  assert.equal(judge({ ...live, latencyMs: 1500, before: 'delayed' }).state, 'delayed');
  assert.equal(judge({ ...live, latencyMs: 900, before: 'delayed' }).state, 'live');
});

test('the reason is the server’s own where it gives one', () => {
  assert.equal(judge({ ...live, status: status('refusing') }).message, 'it is refusing');
  assert.match(judge({ ...live, link: 'full' }).message, /All 7 places are taken/);
});
