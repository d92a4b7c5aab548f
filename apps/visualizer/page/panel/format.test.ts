import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clipTime, duration, fileName, NONE, number } from './format.ts';

test('a position reads as minutes, seconds and milliseconds, never rounded up to a time not reached', () => {
  assert.equal(clipTime(0), '00:00.000');
  assert.equal(clipTime(9_966_999), '00:09.966');
  assert.equal(clipTime(59_999_999), '00:59.999');
  assert.equal(clipTime(4_500_000_000), '75:00.000');
  assert.equal(clipTime(null), NONE);
});

test('a still is named by its time in UTC and its frame, in characters that every file system takes', () => {
  const times = { validAt: null, publishedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 67) };
  assert.equal(fileName({ seq: 12_345, ...times }, 'jpg'), 'noaa_20260102T030405-067Z_frame-12345.jpg');
  const validAt = Date.UTC(2026, 0, 2);
  assert.equal(fileName({ seq: 1, ...times, validAt }, 'png'), 'noaa_20260102T000000-000Z_frame-1.png');
  assert.equal(fileName({ seq: 1, validAt: null }, 'jpg'), 'noaa_frame-1.jpg');
});

test('a length of time reads in its two largest units', () => {
  assert.equal(duration(59_999), '59 s');
  assert.equal(duration(61_000), '1 min 1 s');
  assert.equal(duration(3_840_000), '1 h 4 min');
  assert.equal(duration(90_000_000), '1 d 1 h');
});

test('what is not known reads as a dash, never as zero', () => {
  assert.equal(number(null), NONE);
  assert.equal(number(undefined, 1), NONE);
  assert.equal(number(0, 1), '0.0');
});
