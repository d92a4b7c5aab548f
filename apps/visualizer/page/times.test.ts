import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Times } from './times.ts';

const zone = process.env['TZ'];
after(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

const picture = { validAt: Date.UTC(2026, 2, 14, 2, 20, 31), position: 0 };

test('a valid time reads in UTC, and in the viewer’s own zone on demand', () => {
  process.env['TZ'] = 'America/New_York';
  const times = new Times();
  assert.equal(times.full(picture), '2026-03-14 02:20:31 UTC');
  assert.equal(times.short(picture), '02:20:31');
  times.local = true;
  assert.equal(times.full(picture), '2026-03-13 22:20:31 EDT');
  assert.equal(times.short(picture), '22:20:31');
});

test('a picture without a valid time has its place in the clip, and none a dash', () => {
  const times = new Times();
  assert.equal(times.full({ validAt: null, position: 9_966_999 }), '00:09.966 into the clip');
  assert.equal(times.short({ position: 9_966_999 }), '00:09.966');
  assert.equal(times.full(undefined), '–');
});
