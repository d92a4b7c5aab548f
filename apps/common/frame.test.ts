import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Frame,
  FrameLayout,
  HEADER_BYTES,
  isMarkable,
  type MarkableFrame,
  markRedacted,
  notice,
  parseFrame,
  TRAILER_BYTES,
  withTrailer,
  writeStamp,
} from './frame.ts';
import { pixelBytes } from './pixels.ts';

const stamp = {
  sequence: 7n,
  publishedAtNs: 1_795_428_643_262_882_000n,
  positionUs: 3_300_000n,
  validAtMs: 1_789_000_000_123,
  mask: 0xfedc_ba98_7654_3210n,
};
const version1 = { ...stamp, validAtMs: 0, mask: 0n };

function frame(format: 'i420' | 'bgr24', width: number, height: number): Buffer {
  const message = new FrameLayout(format, width, height).allocate();
  writeStamp(message, stamp);
  return message;
}

/** The same frame as a service of version 1 sends it. */
function ofVersion1(message: Buffer): Buffer {
  const older = Buffer.from(message.subarray(0, -16));
  older[older.length - 32 + 4] = 1;
  return older;
}

function markable(message: Buffer): MarkableFrame {
  const frame = parsed(message);
  assert.ok(isMarkable(frame));
  return frame;
}

function parsed(message: Buffer): Frame {
  const result = parseFrame(message);
  assert.ok(result.ok, result.ok ? '' : `${result.reason}: ${result.detail}`);
  return result;
}

function refusal(message: Buffer): string {
  const result = parseFrame(message);
  assert.ok(!result.ok, 'it was taken for a frame');
  return result.reason;
}

test('a frame lies on the wire as the contract says, byte for byte', () => {
  const message = frame('bgr24', 2, 1);
  message.fill(9, 16, 22);
  assert.equal(
    message.toString('hex'),
    [
      '0000000000000002',
      '0000000000000001',
      '090909090909',
      '4e4f4141',
      '02020000',
      '0000000000000007',
      '18eaa4d6a53ee0d0',
      '0000000000325aa0',
      '000001a088b5a27b',
      'fedcba9876543210',
    ].join(''),
  );
});

test('what was written is read back, for odd sizes too, and the pixels are a view and no copy', () => {
  for (const [format, width, height, bytes] of [
    ['i420', 3, 3, 9 + 4 + 4],
    ['i420', 4, 2, 8 + 2 + 2],
    ['i420', 1, 1, 3],
    ['bgr24', 3, 3, 27],
  ] as const) {
    assert.equal(pixelBytes(format, width, height), bytes);
    const message = frame(format, width, height);
    const read = parsed(message);
    assert.deepEqual([read.width, read.height, read.format, read.redacted], [width, height, format, false]);
    assert.deepEqual(read.stamp, stamp);
    read.pixels[0] = 200;
    assert.equal(message[HEADER_BYTES], 200);
    assert.equal(read.pixels.length, bytes);
  }
});

test('the redacted mark is set in the message itself and nothing else changes', () => {
  const message = frame('i420', 8, 8);
  const before = Buffer.from(message);
  markRedacted(markable(message), 5n);
  assert.equal(parsed(message).redacted, true);
  before[before.length - TRAILER_BYTES + 6] = 1;
  before.writeBigUInt64BE(5n, before.length - 8);
  assert.deepEqual(message, before);
});

test('a frame that has no place for the mark cannot be marked', () => {
  const message = new FrameLayout('numpy', 3, 2).allocate();
  for (const unmarkable of [message.subarray(0, -TRAILER_BYTES), ofVersion1(message)]) {
    const frame = parsed(unmarkable);
    assert.throws(() => {
      // @ts-expect-error: such a frame is no MarkableFrame
      markRedacted(frame, 1n);
    }, TypeError);
    assert.equal(frame.redacted, false);
  }
});

test('facts that a publisher leaves out are zero, and a stamp leaves the mark as it is', () => {
  const message = frame('i420', 2, 2);
  markRedacted(markable(message), 5n);
  writeStamp(message, { sequence: 8n, publishedAtNs: 9n, positionUs: 10n });
  const read = parsed(message);
  assert.deepEqual(read.stamp, { sequence: 8n, publishedAtNs: 9n, positionUs: 10n, validAtMs: 0, mask: 0n });
  assert.deepEqual([read.redacted, read.repeat, read.ended], [true, false, false]);
});

test('a repeat and the end of a clip are told apart', () => {
  for (const repeat of [false, true]) {
    for (const ended of [false, true]) {
      const message = frame('i420', 2, 2);
      writeStamp(message, { ...stamp, repeat, ended });
      const read = parsed(message);
      assert.deepEqual([read.repeat, read.ended, read.redacted], [repeat, ended, false]);
    }
  }
});

test('version 1 is read, its pixels being the same view, and is given a trailer of version 2', () => {
  for (const message of [
    frame('i420', 3, 3),
    frame('bgr24', 5, 2),
    new FrameLayout('numpy', 3, 2).allocate(),
  ]) {
    writeStamp(message, stamp);
    const older = ofVersion1(message);
    const read = parsed(older);
    assert.deepEqual([read.version, read.stamp, read.redacted], [1, version1, false]);
    assert.deepEqual(read.pixels, parsed(message).pixels);
    const marked = Buffer.from(older);
    marked[marked.length - 32 + 6] = 1;
    assert.equal(parsed(marked).redacted, true);
    const newer = withTrailer(parsed(marked), version1);
    assert.equal(newer.redacted, false, 'the mark of another redactor was passed on');
    writeStamp(newer.message, stamp);
    assert.deepEqual(newer.message, message);
  }
});

test('what a filter kept of a trailer that it took for version 1 is read behind a pickle, and only there', () => {
  const message = new FrameLayout('numpy', 3, 2).allocate();
  writeStamp(message, stamp);
  const body = message.subarray(0, -TRAILER_BYTES);
  const kept = Buffer.concat([body, message.subarray(-32)]);
  const { sequence, ...remnant } = stamp;
  const read = parsed(kept);
  assert.deepEqual([read.stamp, read.remnant, read.redacted], [undefined, remnant, false]);
  assert.deepEqual(read.pixels, parsed(body).pixels);
  assert.deepEqual(withTrailer(read, { sequence, ...remnant }).message, message);
  for (const bytes of [31, 33, 40, 47]) refusal(Buffer.concat([body, message.subarray(-bytes)]));
  const pixels = frame('bgr24', 4, 4);
  refusal(Buffer.concat([pixels.subarray(0, -TRAILER_BYTES), pixels.subarray(-32)]));
});

test('a valid time that is no date is refused', () => {
  const message = frame('i420', 2, 2);
  message.writeBigUInt64BE(8_640_000_000_000_000n, message.length - 16);
  assert.equal(parsed(message).stamp?.validAtMs, 8.64e15);
  message.writeBigUInt64BE(8_640_000_000_000_002n, message.length - 16);
  assert.equal(refusal(message), 'bad-trailer');
});

test('a message cut short or grown by any number of bytes is no frame', () => {
  const message = frame('i420', 6, 4);
  for (let length = 0; length < message.length; length += 1) refusal(message.subarray(0, length));
  refusal(Buffer.concat([message, Buffer.alloc(1)]));
});

test('zero and absurd geometries are refused, up to the largest u64', () => {
  for (const [width, height] of [
    [0n, 4n],
    [4n, 0n],
    [2n ** 64n - 1n, 4n],
    [4n, 2n ** 63n],
    [16_385n, 1n],
    [16_384n, 16_384n],
  ] as const) {
    const message = frame('i420', 4, 4);
    message.writeBigUInt64BE(width, 0);
    message.writeBigUInt64BE(height, 8);
    assert.equal(refusal(message), 'bad-geometry');
  }
});

test('a geometry that does not fit the bytes is refused, also where the product is the same', () => {
  const message = frame('bgr24', 4, 4);
  message.writeBigUInt64BE(5n, 0);
  assert.equal(refusal(message), 'wrong-length');
  const turned = frame('i420', 3, 4);
  turned.writeBigUInt64BE(2n, 0);
  turned.writeBigUInt64BE(6n, 8);
  assert.equal(refusal(turned), 'wrong-length');
});

test('an unknown format, version, flag or reserved value is refused', () => {
  for (const [offset, value, reason] of [
    [4, 0, 'bad-trailer'],
    [4, 1, 'bad-trailer'],
    [4, 3, 'bad-trailer'],
    [5, 0, 'unknown-format'],
    [5, 4, 'unknown-format'],
    [5, 255, 'unknown-format'],
    [6, 8, 'bad-trailer'],
    [7, 1, 'bad-trailer'],
  ] as const) {
    const message = frame('i420', 4, 4);
    message[message.length - TRAILER_BYTES + offset] = value;
    assert.equal(refusal(message), reason, `byte ${offset} = ${value}`);
  }
  for (const [offset, value, reason] of [
    [4, 0, 'bad-trailer'],
    [4, 2, 'bad-trailer'],
    [5, 4, 'unknown-format'],
    [6, 2, 'bad-trailer'],
    [7, 1, 'bad-trailer'],
  ] as const) {
    const message = ofVersion1(frame('i420', 4, 4));
    message[message.length - 32 + offset] = value;
    assert.equal(refusal(message), reason, `byte ${offset} = ${value} of version 1`);
  }
});

test('a pickle without a trailer is a frame without a stamp, and can be given both', () => {
  const message = new FrameLayout('numpy', 3, 2).allocate();
  const bare = parsed(message.subarray(0, message.length - TRAILER_BYTES));
  assert.deepEqual([bare.format, bare.stamp, bare.redacted], ['numpy', undefined, false]);
  bare.pixels.fill(7);
  const complete = withTrailer(bare, stamp);
  markRedacted(complete, stamp.mask);
  const read = parsed(complete.message);
  assert.deepEqual([read.format, read.stamp, read.redacted], ['numpy', stamp, true]);
  assert.deepEqual(read.message.subarray(0, bare.message.length), bare.message);
  complete.pixels.fill(0);
  assert.ok(read.pixels.every(value => value === 0) && bare.pixels.every(value => value === 7));
});

test('pixels without a trailer are refused: their format would be a guess', () => {
  const message = frame('bgr24', 4, 4);
  assert.equal(refusal(message.subarray(0, message.length - TRAILER_BYTES)), 'no-trailer');
});

test('whatever is done to a frame, it is refused or its pixels fit its geometry and lie in the message', () => {
  const whole = (['i420', 'bgr24', 'numpy'] as const).map(format => new FrameLayout(format, 3, 2).allocate());
  const bare = whole[2]!.subarray(0, -TRAILER_BYTES);
  const byte = fc.record({
    // From either end, where the header and the trailer are.
    at: fc.oneof(fc.integer({ min: -56, max: 56 }), fc.nat(400)),
    value: fc.oneof(fc.nat(4), fc.nat(255)),
  });
  const cut = fc.record({ at: fc.nat(400), drop: fc.nat(40), insert: fc.uint8Array({ maxLength: 40 }) });
  const frames = fc.constantFrom(...whole, bare, ...whole.map(ofVersion1));
  const limit = {
    interruptAfterTimeLimit: Number(process.env['FUZZ_SECONDS'] ?? 1) * 1000,
    numRuns: 2 ** 31,
  };
  fc.assert(
    fc.property(frames, fc.array(byte, { maxLength: 3 }), fc.option(cut), (original, bytes, edit) => {
      let message = Buffer.from(original);
      for (const { at, value } of bytes)
        if (message.at(at) !== undefined) message[at < 0 ? message.length + at : at] = value;
      if (edit) {
        const { at, drop, insert } = edit;
        message = Buffer.concat([message.subarray(0, at), insert, message.subarray(at + drop)]);
      }
      const read = parseFrame(message);
      if (!read.ok) return assert.match(read.detail, /^[\x20-\x7e×]+$/);
      assert.equal(read.pixels.length, pixelBytes(read.format, read.width, read.height));
      const start = read.pixels.byteOffset - message.byteOffset;
      const end = start + read.pixels.length;
      const trailing = read.version === 2 ? TRAILER_BYTES : read.version === 1 || read.remnant ? 32 : 0;
      assert.ok(start >= HEADER_BYTES && end <= message.length - trailing);
      assert.ok(read.stamp || !read.redacted);
    }),
    limit,
  );
});

test('a layout that no receiver would accept cannot be made', () => {
  for (const [width, height] of [
    [0, 1],
    [1.5, 2],
    [16_385, 1],
    [16_384, 16_384],
    [Number.NaN, 1],
  ] as const) {
    assert.throws(() => new FrameLayout('i420', width, height), RangeError);
  }
});

test('a notice says in one sentence why there is no frame, and is none', () => {
  const read = parseFrame(notice('MASK_FILE /masks/a.json is no mask: "regions" \u001b[31m\nis missing'));
  assert.deepEqual(read, {
    ok: false,
    reason: 'withheld',
    detail: 'MASK_FILE /masks/a.json is no mask: "regions"  [31m is missing',
  });
  assert.equal(notice('x'.repeat(5000)).length, 16 + 1024 + 48);
  const long = Buffer.concat([notice('y').subarray(0, 16), Buffer.alloc(1025, 'y'), notice('').subarray(16)]);
  assert.equal(refusal(long), 'bad-geometry');
});
