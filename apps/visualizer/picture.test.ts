import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { PictureFacts } from './messages.ts';
import { Picture } from './picture.ts';

const FACTS: PictureFacts = {
  seq: 7,
  width: 1920,
  height: 1080,
  publishedAt: 1_700_000_000_000.5,
  position: null,
  latencyMs: 8.25,
  validAt: 1_634_300_000_000,
  mask: '0123456789abcdef',
};

describe('sse', () => {
  for (const bytes of [0, 1, 2, 3, 23_999, 24_000, 24_001, 24_002, 48_000, 270_001]) {
    it(`has facts and JPEG as they are, of ${bytes} bytes`, () => {
      const jpeg = randomBytes(bytes);
      const event = new Picture(jpeg, FACTS).sse.toString('latin1');
      const [, data = ''] = /^event: frame\ndata: (\{.*\})\n\n$/.exec(event) ?? [];
      assert.deepEqual(JSON.parse(data), { ...FACTS, jpeg: jpeg.toString('base64') });
    });
  }
});

it('names its valid time and mask in the headers of a part, where they are known', () => {
  const part = new Picture(Buffer.of(1), FACTS).part.toString('latin1');
  assert.match(part, /\r\nX-Valid-Time: 2021-10-15T12:13:20.000Z\r\nX-Mask: 0123456789abcdef\r\n\r\n/);
  const unknown = new Picture(Buffer.of(1), { ...FACTS, validAt: null, mask: null }).part.toString('latin1');
  assert.doesNotMatch(unknown, /X-Valid-Time|X-Mask/);
});

it('names its mask and valid time in the comment of a file', () => {
  const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);
  const comment = (changes: Partial<PictureFacts>) =>
    new Picture(jpeg, { ...FACTS, ...changes }).file.subarray(6, -2).toString('latin1');
  assert.equal(comment({}), 'noaa-pod: mask 0123456789abcdef, valid 2021-10-15T12:13:20.000Z');
  assert.equal(comment({ validAt: null }), 'noaa-pod: mask 0123456789abcdef');
  assert.deepEqual(new Picture(jpeg, { ...FACTS, mask: null, validAt: null }).file, jpeg);
});
