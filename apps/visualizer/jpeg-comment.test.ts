import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJpeg } from '../../tests/support/jpeg.ts';
import { JpegEncoder } from './jpeg.ts';
import { withComment } from './jpeg-comment.ts';

test('a comment is in the JPEG and changes none of its pixels', async () => {
  using encoder = new JpegEncoder(85);
  const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => i * 7);
  const jpeg = await encoder.encode({ width: 16, height: 16, format: 'bgr24', order: 'C', pixels });
  const commented = withComment(jpeg, 'mask 0123456789abcdef');
  assert.equal(commented.indexOf('mask 0123456789abcdef'), 6);
  assert.deepEqual(await decodeJpeg(commented), await decodeJpeg(jpeg));
});
