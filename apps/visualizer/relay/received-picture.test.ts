import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCanvas } from 'canvas';
import type { PictureFacts } from '../messages.ts';
import { Picture } from '../picture.ts';
import { readPicture } from './received-picture.ts';

const JPEG = createCanvas(48, 32).toBuffer('image/jpeg');
const FACTS: PictureFacts = {
  seq: 12_345,
  width: 48,
  height: 32,
  publishedAt: 1_763_000_000_123.457,
  position: 1_234_567,
  latencyMs: 8.25,
  validAt: 1_634_300_000_000,
  mask: '0123456789abcdef',
};

/** Returns the headers of a part as a relay reads them. */
function headersOf(part: Buffer): Map<string, string> {
  const [, ...lines] = part.toString('latin1', 0, part.indexOf('\r\n\r\n')).split('\r\n');
  return new Map(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
}

const received = (facts: PictureFacts & { redacted?: boolean }) =>
  readPicture(headersOf(new Picture(JPEG, facts).relayPart), JPEG, false);

describe('every fact of a picture passes unchanged', () => {
  const unknown = { position: null, latencyMs: null, validAt: null, mask: null };
  const cases: Record<string, PictureFacts> = {
    'all known': FACTS,
    'none known': { ...FACTS, ...unknown },
    'a time in years to come': { ...FACTS, validAt: 8.64e15 },
    'the first frame': { ...FACTS, seq: 0, position: 0, latencyMs: -0.5 },
  };
  for (const [what, facts] of Object.entries(cases)) {
    test(what, () => {
      const result = received({ ...facts, redacted: true });
      assert.ok(result.ok);
      assert.deepEqual(result.picture.facts, facts);
      assert.equal(result.picture.jpeg, JPEG);
      const sent = new Picture(JPEG, { ...facts, redacted: true });
      assert.deepEqual(result.picture.sse, sent.sse);
      assert.deepEqual(result.picture.relayPart, sent.relayPart);
    });
  }
  test('and times of publication keep their microseconds', () => {
    for (let us = 0; us < 2000; us += 1) {
      const publishedAt = Number(1_763_000_000_123_000n + BigInt(us * 7)) / 1000;
      const result = received({ ...FACTS, publishedAt, redacted: true });
      assert.ok(result.ok && result.picture.facts.publishedAt === publishedAt);
    }
  });
});

test('a picture that is not marked as redacted is refused, unless unmarked ones are expected', () => {
  const headers = headersOf(new Picture(JPEG, FACTS).relayPart);
  const refused = readPicture(headers, JPEG, false);
  assert.ok(!refused.ok && refused.reason === 'unmarked');
  assert.ok(readPicture(headers, JPEG, true).ok);
  for (const value of ['0', '', 'true', '1 ']) {
    const altered = readPicture(new Map(headers).set('x-redacted', value), JPEG, false);
    assert.ok(!altered.ok && altered.reason === 'unmarked', value);
  }
});

test('what is not exactly what a visualizer writes is refused', () => {
  const headers = headersOf(new Picture(JPEG, { ...FACTS, redacted: true }).relayPart);
  const wrong: [string, string][] = [
    ['x-sequence', ''],
    ['x-sequence', '-1'],
    ['x-sequence', '99999999999999999'],
    ['x-timestamp', '1763000000'],
    ['x-timestamp', '1e9'],
    ['x-position', '1.5'],
    ['x-latency', 'NaN'],
    ['x-valid-time', 'yesterday'],
    ['x-valid-time', '+999999-01-01T00:00:00.000Z'],
    ['x-mask', '0123456789ABCDEF'],
    ['x-mask', '0123'],
  ];
  for (const [name, value] of wrong) {
    const result = readPicture(new Map(headers).set(name, value), JPEG, false);
    assert.ok(!result.ok && result.reason === 'bad-part', `${name}: ${value}`);
  }
  const result = readPicture(headers, Buffer.from('<html>'), false);
  assert.ok(!result.ok && result.reason === 'bad-jpeg');
});
