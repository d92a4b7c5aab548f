import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PixelLayout, pixelBytes } from '../common/pixels.ts';
import { Blankness } from './blankness.ts';

type Format = PixelLayout['format'];

function pictureOf(format: Format, width: number, height: number, fill: (pixels: Uint8Array) => void) {
  const pixels = new Uint8Array(pixelBytes(format, width, height));
  fill(pixels);
  return { format, width, height, pixels };
}

/** Looks at a picture once a second, this often. */
function afterLooks(looks: number, picture: ReturnType<typeof pictureOf>): boolean | null {
  const blankness = new Blankness();
  for (let look = 0; look < looks; look += 1) blankness.look(picture, look * 1000);
  return blankness.blank;
}

test('a picture of one colour is blank once it has been for 5 s, in every format and at widths of a power of two', () => {
  for (const format of ['i420', 'bgr24'] as const) {
    for (const [width, height] of [
      [1920, 1080],
      [2048, 1024],
      [64, 48],
      [8, 8],
    ] as const) {
      const grey = pictureOf(format, width, height, pixels => pixels.fill(16));
      assert.equal(afterLooks(0, grey), null);
      assert.equal(afterLooks(4, grey), false);
      assert.equal(afterLooks(5, grey), true, `${format} ${width}×${height}`);
    }
  }
  const blue = pictureOf('bgr24', 64, 48, pixels => pixels.set(pixels.map((_, at) => (at % 3 ? 0 : 200))));
  assert.equal(afterLooks(5, blue), true);
});

test('a picture with something in it is not, e.g. within a wide border or down one column', () => {
  const [width, height] = [1024, 1024];
  for (const fill of [
    (pixels: Uint8Array) => {
      for (let row = 300; row < 700; row += 1) pixels.fill(90, row * width + 300, row * width + 700);
    },
    (pixels: Uint8Array) => {
      for (let row = 0; row < height; row += 1) pixels.fill(90, row * width, row * width + width / 16);
    },
  ])
    assert.equal(afterLooks(9, pictureOf('i420', width, height, fill)), false);
});

test('a clip that fades to black for a moment is not blank', () => {
  const blankness = new Blankness();
  const black = pictureOf('i420', 64, 64, () => {});
  const seen = pictureOf('i420', 64, 64, pixels => pixels.fill(90, 0, 2000));
  for (let second = 0; second < 60; second += 1) {
    blankness.look(second % 4 === 0 ? seen : black, second * 1000);
    assert.equal(blankness.blank, false);
  }
});
