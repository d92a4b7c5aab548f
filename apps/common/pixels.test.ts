import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PixelLayout, pixelBytes, planesOf } from './pixels.ts';

const SIZES = [
  [1, 1],
  [1, 4],
  [4, 1],
  [2, 2],
  [3, 5],
  [6, 3],
  [7, 7],
] as const;

function layouts(): PixelLayout[] {
  return SIZES.flatMap(([width, height]) => [
    { width, height, format: 'i420', order: 'C' },
    { width, height, format: 'bgr24', order: 'C' },
    { width, height, format: 'numpy', order: 'C' },
    { width, height, format: 'numpy', order: 'F' },
  ]);
}

test('the samples of all planes are each byte of the pixels exactly once, at any size', () => {
  for (const layout of layouts()) {
    const uses = new Uint8Array(pixelBytes(layout.format, layout.width, layout.height));
    for (const { offset, width, height, sampleBytes, columnStride, rowStride } of planesOf(layout)) {
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
          const at = offset + x * columnStride + y * rowStride;
          for (let byte = 0; byte < sampleBytes; byte += 1) uses[at + byte]! += 1;
        }
      }
    }
    assert.ok(
      uses.every(count => count === 1),
      `${JSON.stringify(layout)}: ${uses}`,
    );
  }
});

test('chroma of I420 has a sample for the last column and row of an odd size', () => {
  const planes = planesOf({ width: 5, height: 3, format: 'i420', order: 'C' });
  assert.deepEqual(
    planes.map(({ holds, offset, width, height, shift }) => [holds, offset, width, height, shift]),
    [
      ['y', 0, 5, 3, 0],
      ['cb', 15, 3, 2, 1],
      ['cr', 21, 3, 2, 1],
    ],
  );
});

test('in Fortran order a pixel below lies next, and a channel is a plane', () => {
  const [blue, green] = planesOf({ width: 5, height: 3, format: 'numpy', order: 'F' });
  assert.deepEqual([blue!.holds, blue!.rowStride, blue!.columnStride], ['b', 1, 3]);
  assert.deepEqual([green!.holds, green!.offset], ['g', 15]);
});
