import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Frame, FrameLayout, parseFrame, writeStamp } from '../common/frame.ts';
import type { WireFormat } from '../common/pixels.ts';
import { GeometryGuard } from './geometry-guard.ts';

function frame(format: WireFormat, width: number, height: number, sequence: number): Frame {
  const message = new FrameLayout(format, width, height).allocate();
  writeStamp(message, { sequence: BigInt(sequence), publishedAtNs: 0n, positionUs: 0n });
  const read = parseFrame(message);
  assert.ok(read.ok);
  return read;
}

test('width and height that are exchanged while the sequence carries on are not believed', () => {
  const guard = new GeometryGuard();
  for (const sequence of [0, 1, 2]) assert.equal(guard.doubt(frame('i420', 64, 48, sequence)), undefined);
  for (const sequence of [2, 3, 400])
    assert.match(
      guard.doubt(frame('i420', 48, 64, sequence)) ?? '',
      /from 64×48 to 48×64 .* restart the redactor/,
    );
  assert.equal(guard.doubt(frame('i420', 64, 48, 401)), undefined, 'the true shape is no longer believed');
});

test('nor are any others of as many bytes, in another format too', () => {
  const guard = new GeometryGuard();
  assert.equal(guard.doubt(frame('i420', 64, 48, 0)), undefined);
  for (const [width, height] of [
    [32, 96],
    [128, 24],
    [3072, 1],
  ] as const) {
    const lie = frame('i420', width, height, 1);
    const isSameLength = lie.pixels.length === 64 * 48 * 1.5;
    assert.equal(guard.doubt(lie) !== undefined, isSameLength, `${width}×${height}`);
    if (!isSameLength) assert.equal(guard.doubt(frame('i420', 64, 48, 2)), undefined);
  }
  const other = new GeometryGuard();
  assert.equal(other.doubt(frame('i420', 64, 48, 0)), undefined);
  assert.notEqual(other.doubt(frame('bgr24', 32, 48, 1)), undefined);
});

test('a publisher that starts anew may have a picture of any shape', () => {
  const guard = new GeometryGuard();
  assert.equal(guard.doubt(frame('i420', 64, 48, 7)), undefined);
  assert.equal(guard.doubt(frame('i420', 48, 64, 0)), undefined);
  assert.notEqual(guard.doubt(frame('i420', 64, 48, 1)), undefined);
});

test('another size of another length is believed: no header that lies has the length of its message', () => {
  const guard = new GeometryGuard();
  assert.equal(guard.doubt(frame('i420', 64, 48, 0)), undefined);
  assert.equal(guard.doubt(frame('i420', 66, 48, 1)), undefined);
});
