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
