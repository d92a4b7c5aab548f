import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decodeJpeg } from '../../tests/support/jpeg.ts';
import { pixelBytes } from '../common/pixels.ts';
import { JpegEncoder } from './jpeg.ts';

/** An I420 picture, each plane of one value. */
function planes(width: number, height: number, [y, u, v]: readonly [number, number, number]): Uint8Array {
  const pixels = new Uint8Array(pixelBytes('i420', width, height)).fill(y);
  const chromaBytes = Math.ceil(width / 2) * Math.ceil(height / 2);
  pixels.fill(u, width * height, width * height + chromaBytes).fill(v, width * height + chromaBytes);
  return pixels;
}

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

it('reads nothing outside the pixels, whatever the size, format and order', async () => {
  const script = fileURLToPath(new URL('../../tests/support/encode-fenced.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  assert.match(stdout, /^encoded \d{3,} pictures$/m);
});

it('keeps the colours of a picture of an odd size, to its last column and row', async () => {
  using encoder = new JpegEncoder(95);
  for (const [width, height] of [
    [641, 361],
    [640, 361],
    [641, 360],
    [3, 401],
    [1, 1],
  ] as const) {
    const jpeg = await encoder.encode({
      width,
      height,
      format: 'i420',
      order: 'C',
      pixels: planes(width, height, [120, 150, 90]),
    });
    const { rgba, ...size } = await decodeJpeg(jpeg);
    assert.deepEqual(size, { width, height });
    // BT.601, full range: R = Y + 1.402 (V - 128), G = Y - 0.344 (U - 128) - 0.714 (V - 128), B = Y + 1.772 (U - 128).
    for (const [channel, expected] of [67, 140, 159].entries()) {
      for (let at = channel; at < rgba.length; at += 4) {
        assert.ok(
          Math.abs(rgba[at]! - expected) <= 3,
          `${width}×${height}: ${rgba[at]} in channel ${channel}, not ${expected}`,
        );
      }
    }
  }
});
