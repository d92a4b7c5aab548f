import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JpegEncoder } from './jpeg.ts';
import { packedRows } from './packed-rows.ts';

/** A picture in both memory orders; the columns are what `np.asfortranarray` makes of the rows. */
function picture(width: number, height: number) {
  const rows = Uint8Array.from({ length: width * height * 3 }, (_, i) => i * 5);
  const columns = rows.map((_, i) => {
    const [y, x, channel] = [i % height, Math.floor(i / height) % width, Math.floor(i / height / width)];
    return rows[(y * width + x) * 3 + channel]!;
  });
  return { rows, columns };
}

for (const [width, height] of [
  [5, 3],
  [70, 45],
  [32, 64],
  [1, 100],
] as const) {
  it(`packs the rows of an array of ${width}×${height} in Fortran order`, () => {
    const { rows, columns } = picture(width, height);
    assert.deepEqual(packedRows(columns, width, height), rows);
  });
}

it('gives the same JPEG for the same picture in either memory order', async () => {
  const [width, height] = [5, 3];
  const { rows, columns } = picture(width, height);
  using encoder = new JpegEncoder(85);
  const frame = { width, height, format: 'numpy' } as const;
  const fromRows = await encoder.encode({ ...frame, order: 'C', pixels: rows });
  assert.deepEqual(await encoder.encode({ ...frame, order: 'F', pixels: columns }), fromRows);
});
