import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCanvas } from 'canvas';
import { jpegSize } from './jpeg-size.ts';

const jpegOf = (width: number, height: number, progressive = false) =>
  createCanvas(width, height).toBuffer('image/jpeg', { progressive });

/** Returns the place of the frame's marker in a JPEG. */
const frameAt = (jpeg: Buffer, marker = 0xc0) => jpeg.indexOf(Buffer.of(0xff, marker));

test('the size of a JPEG is read from its frame, baseline and progressive', () => {
  assert.deepEqual(jpegSize(jpegOf(37, 21)), { width: 37, height: 21 });
  assert.deepEqual(jpegSize(jpegOf(640, 480, true)), { width: 640, height: 480 });
});

test('a JPEG cut off or altered anywhere in its header never throws, and is refused if its frame is harmed', () => {
  const jpeg = jpegOf(40, 24);
  for (let length = 0; length < jpeg.length; length += 1)
    assert.equal(jpegSize(jpeg.subarray(0, length)), undefined, `the first ${length} bytes`);
  const scan = jpeg.indexOf(Buffer.of(0xff, 0xda));
  for (let at = 0; at < scan; at += 1) {
    for (const value of [0x00, 0x01, 0x7f, 0xd9, 0xff]) {
      const altered = Buffer.from(jpeg);
      altered[at] = value;
      const size = jpegSize(altered);
      assert.ok(size === undefined || (size.width >= 1 && size.height >= 1));
    }
  }
});

test('a frame that is absurd, arithmetic, twice there or of four components is refused', () => {
  const jpeg = jpegOf(40, 24);
  const at = frameAt(jpeg);
  const changes: Record<string, (copy: Buffer) => void> = {
    'no height': copy => copy.writeUInt16BE(0, at + 5),
    'too wide': copy => copy.writeUInt16BE(65_535, at + 7),
    'twelve bits': copy => copy.writeUInt8(12, at + 4),
    'components that the length denies': copy => copy.writeUInt8(4, at + 9),
    arithmetic: copy => copy.writeUInt8(0xc9, at + 1),
  };
  for (const [what, change] of Object.entries(changes)) {
    const copy = Buffer.from(jpeg);
    change(copy);
    assert.equal(jpegSize(copy), undefined, what);
  }
  const frame = jpeg.subarray(at, at + 2 + jpeg.readUInt16BE(at + 2));
  assert.equal(jpegSize(Buffer.concat([jpeg.subarray(0, at), frame, jpeg.subarray(at)])), undefined, 'two');
});

test('a header without end is given up after a few segments', () => {
  const empty = Buffer.from([0xff, 0xfe, 0x00, 0x02]);
  const start = Buffer.of(0xff, 0xd8);
  const end = Buffer.of(0xff, 0xd9);
  const many = Buffer.concat([start, ...Array.from({ length: 100_000 }, () => empty), end]);
  assert.equal(jpegSize(many), undefined);
});
