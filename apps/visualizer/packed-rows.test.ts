import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JpegEncoder } from './jpeg.ts';
import { packedRows } from './packed-rows.ts';

const [WIDTH, HEIGHT] = [5, 3];
const rows = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => i * 5);
/** What `np.asfortranarray` makes of the rows. */
const columns = rows.map((_, i) => {
  const [y, x, channel] = [i % HEIGHT, Math.floor(i / HEIGHT) % WIDTH, Math.floor(i / HEIGHT / WIDTH)];
  return rows[(y * WIDTH + x) * 3 + channel]!;
});

it('packs the rows of an array in Fortran order', () => {
  assert.deepEqual(packedRows(columns, WIDTH, HEIGHT), rows);
});

it('gives the same JPEG for the same picture in either memory order', async () => {
  using encoder = new JpegEncoder(85);
  const frame = { width: WIDTH, height: HEIGHT, format: 'numpy' } as const;
  const fromRows = await encoder.encode({ ...frame, order: 'C', pixels: rows });
  assert.deepEqual(await encoder.encode({ ...frame, order: 'F', pixels: columns }), fromRows);
});
