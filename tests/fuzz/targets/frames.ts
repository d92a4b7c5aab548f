import assert from 'node:assert/strict';
import {
  FrameLayout,
  isMarkable,
  markRedacted,
  parseMessage,
  withTrailer,
  writeStamp,
} from '../../../apps/common/frame.ts';
import { notice } from '../../../apps/common/notice.ts';
import { locateArray, pickleEnvelope } from '../../../apps/common/pickle.ts';
import type { Target } from '../engine.ts';
import { pure } from './helpers.ts';

/** A message as our services publish it: 8×6, with a trailer of version 2. */
function message(format: 'i420' | 'bgr24' | 'numpy'): Buffer {
  const bytes = new FrameLayout(format, 8, 6).allocate();
  writeStamp(bytes, { sequence: 7n, publishedAtNs: 1_700_000_000_000_000_000n, positionUs: 40_000n });
  return bytes;
}

/** The same with the shorter trailer of version 1. */
function olderMessage(format: 'i420' | 'bgr24' | 'numpy'): Buffer {
  const newer = message(format);
  const older = newer.subarray(0, newer.length - 16);
  older.writeUInt8(1, older.length - 32 + 4);
  newer.copy(older, older.length - 32, newer.length - 48, newer.length - 44);
  newer.copy(older, older.length - 32 + 5, newer.length - 43, newer.length - 16);
  older.writeUInt8(1, older.length - 28);
  return older;
}

function parsesFrame(input: Buffer): void {
  const frame = parseMessage([input]);
  if (!frame.ok) {
    assert.match(frame.reason, /^[a-z-]+$/);
    assert.ok(frame.detail.length < 2000);
    return;
  }
  const { pixels, width, height, message: whole } = frame;
  assert.ok(width >= 1 && height >= 1);
  const within = pixels.byteOffset >= whole.byteOffset && pixels.byteLength <= whole.byteLength;
  assert.ok(within, 'pixels outside of the message');
  const least = frame.format === 'i420' ? width * height : 3 * width * height;
  assert.ok(pixels.byteLength >= least, 'fewer pixels than the size says');
  const unknown = { sequence: 0n, publishedAtNs: 0n, positionUs: 0n, validAtMs: 0, mask: 0n };
  const marked = isMarkable(frame) ? frame : withTrailer(frame, unknown);
  markRedacted(marked, 1n);
  const again = parseMessage([marked.message]);
  assert.ok(again.ok && again.redacted, 'a frame that was marked is not one');
}

export const frames: Target[] = [
  {
    name: 'frame',
    files: /apps\/common\/(frame|trailer|notice|pixels|pickle)\.ts$/,
    seeds: () => [
      ...(['i420', 'bgr24', 'numpy'] as const).flatMap(format => [message(format), olderMessage(format)]),
      notice('DATA_FILE /clips/a.mp4 does not exist; playback tries again'),
    ],
    dictionary: ['NOAA', 'NOAA\x02\x01', 'NOAA\x01\x02', 'NOAA\x02\x03', '\0\0\0\0\0\0\0\x08'],
    maxBytes: 2048,
    limitMs: 100,
    open: pure(parsesFrame),
  },
  {
    name: 'pickle',
    files: /apps\/common\/pickle\.ts$/,
    seeds() {
      const { before, after } = pickleEnvelope(8, 6);
      return [Buffer.concat([before, Buffer.alloc(144), after])];
    },
    dictionary: [
      'numpy',
      'numpy._core.numeric',
      'numpy.core.multiarray',
      '_frombuffer',
      '_reconstruct',
      'ndarray',
      'dtype',
      'u1',
      '|',
      'F',
      'C',
      '\x80\x05',
      '\x95',
      '\x93',
      '\x94',
      '\x96',
      'B',
      'C\x01b',
      '\x85R',
      't',
      '}',
      'b.',
    ],
    maxBytes: 4096,
    limitMs: 100,
    open: pure(input => {
      const located = locateArray(input, 8, 6);
      if (!located.ok) assert.ok(located.detail.length < 1000);
      else assert.ok(located.length === 144 && located.offset >= 0 && located.offset + 144 <= input.length);
    }),
  },
];
