import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JpegBands } from './banded-jpeg.ts';
import { JpegEncoder } from './jpeg.ts';

const SIDE = 64;
const BYTES = (SIDE * SIDE * 3) / 2;

test('a still of a frame that is too long for the memory there is, e.g. of an origin that has more, is not marked', async () => {
  using encoder = new JpegEncoder(85);
  const pixels = new Uint8Array(BYTES);
  const jpeg = await encoder.encode({ width: SIDE, height: SIDE, format: 'i420', order: 'C', pixels });
  const marking = { text: 'FOR TEST', color: '#007a33', ink: '#ffffff' };
  using bands = new JpegBands(marking, 85, BYTES);
  assert.ok((await bands.add(jpeg, SIDE, SIDE))!.length > 0);
  // What its header claims is more than there is in it.
  await assert.rejects(bands.add(jpeg, 16_384, 8192), {
    code: 'encode-failed',
    message: /^cannot mark a still of a frame of 192 MB; this service's memory has room for frames of 0 MB/,
  });
});
