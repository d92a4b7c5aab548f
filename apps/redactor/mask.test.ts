import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PixelLayout } from '../common/pixels.ts';
import { borderMask } from './mask.ts';

const OPEN = 77;

/** Masks a frame whose every byte is `OPEN` and answers its bytes. */
function masked(key: PixelLayout, widthPx: number): Uint8Array {
  const { width, height, format } = key;
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  const pixels = new Uint8Array(format === 'i420' ? width * height + 2 * chroma : width * height * 3).fill(
    OPEN,
  );
  borderMask(key, widthPx)(pixels);
  return pixels;
}

/** The challenge's own rectangles, with their inclusive corners: one pixel more at the top and left. */
function covered(x: number, y: number, width: number, height: number, widthPx: number): boolean {
  return x <= widthPx || y <= widthPx || x >= width - widthPx || y >= height - widthPx;
}

const SIZES = [
  [64, 48],
  [65, 49],
  [33, 50],
  [1, 1],
  [2, 1],
  [16, 16],
  [7, 90],
] as const;
const BORDERS = [1, 2, 3, 7, 8, 16, 100, 16_384];

test('in BGR every pixel under the border is exactly 0 and every other is untouched, at any size', () => {
  for (const [width, height] of SIZES) {
    for (const border of BORDERS) {
      const pixels = masked({ width, height, format: 'bgr24', order: 'C' }, border);
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
          const expected = covered(x, y, width, height, border) ? 0 : OPEN;
          const at = 3 * (y * width + x);
          assert.deepEqual(
            [...pixels.subarray(at, at + 3)],
            [expected, expected, expected],
            `${width}×${height} border ${border} at ${x},${y}`,
          );
        }
      }
    }
  }
});

test('a NumPy array in Fortran order is covered where the same array in C order is', () => {
  for (const [width, height] of SIZES) {
    for (const border of BORDERS) {
      const pixels = masked({ width, height, format: 'numpy', order: 'F' }, border);
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
          for (let channel = 0; channel < 3; channel += 1) {
            const expected = covered(x, y, width, height, border) ? 0 : OPEN;
            const at = y + height * (x + width * channel);
            assert.equal(pixels[at], expected, `${width}×${height} border ${border} at ${x},${y},${channel}`);
          }
        }
      }
    }
  }
});

test('in I420 luma is 0 under the border, and chroma is neutral wherever it is shared with a covered pixel', () => {
  for (const [width, height] of SIZES) {
    for (const border of BORDERS) {
      const pixels = masked({ width, height, format: 'i420', order: 'C' }, border);
      const chromaWidth = Math.ceil(width / 2);
      const chromaHeight = Math.ceil(height / 2);
      const shared = new Set<number>();
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
          const hidden = covered(x, y, width, height, border);
          if (hidden) shared.add((y >> 1) * chromaWidth + (x >> 1));
          assert.equal(
            pixels[y * width + x],
            hidden ? 0 : OPEN,
            `${width}×${height} border ${border} luma ${x},${y}`,
          );
        }
      }
      for (let i = 0; i < chromaWidth * chromaHeight; i += 1) {
        for (const plane of [0, 1]) {
          const at = width * height + plane * chromaWidth * chromaHeight + i;
          assert.equal(
            pixels[at],
            shared.has(i) ? 128 : OPEN,
            `${width}×${height} border ${border} chroma ${i}`,
          );
        }
      }
    }
  }
});
