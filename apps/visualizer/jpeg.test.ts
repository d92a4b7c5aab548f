import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JpegEncoder } from './jpeg.ts';

it('refuses a frame that holds other than its geometry says: the library would read past its end', async () => {
  using encoder = new JpegEncoder(85);
  const geometry = { width: 16, height: 16, order: 'C' } as const;
  for (const format of ['i420', 'bgr24', 'numpy'] as const) {
    await assert.rejects(encoder.encode({ ...geometry, format, pixels: new Uint8Array(8) }), {
      code: 'encode-failed',
      message: /16×16 .* 8 bytes/,
    });
  }
});
