import assert from 'node:assert/strict';
import { MAX_PIXELS } from '../../../apps/common/pixels.ts';
import { type ReadAt, sensible } from '../../../apps/playback/crop.ts';
import { isoClap } from '../../../apps/playback/iso-clap.ts';
import { matroskaCrop } from '../../../apps/playback/matroska-crop.ts';
import { readAnimation } from '../../../apps/playback/webp-animation.ts';
import type { Target } from '../engine.ts';
import { withNothing } from './helpers.ts';

const SIZE = { width: 320, height: 240 };

const text = (words: string) => Buffer.from(words, 'latin1');
const big = (...values: number[]) => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeInt32BE(value, 4 * at);
  return bytes;
};

/** A box of ISO 14496-12. */
const box = (type: string, ...parts: Uint8Array[]): Buffer => {
  const payload = Buffer.concat(parts);
  return Buffer.concat([big(8 + payload.length), text(type), payload]);
};
const clap = box('clap', big(300, 1, 200, 1, 5, 2, -3, 2));
const handler = box('hdlr', big(0, 0), text('vide'), big(0, 0, 0));
const description = box('stsd', big(0, 1), box('avc1', Buffer.alloc(78), clap));
const movie = Buffer.concat([
  box('ftyp', text('isom')),
  box('moov', box('trak', box('mdia', handler, box('minf', box('stbl', description))))),
]);
/** What AVIF has: the properties of its primary item. */
const still = Buffer.concat([
  box('ftyp', text('avif')),
  box(
    'meta',
    big(0),
    box('pitm', big(0), Buffer.of(0, 1)),
    box('iprp', box('ipco', clap), box('ipma', big(0, 1), Buffer.of(0, 1, 1, 0x81))),
  ),
]);

/** An element of EBML, with an identifier and a length of up to 127 bytes. */
const element = (id: number, ...parts: Uint8Array[]): Buffer => {
  const payload = Buffer.concat(parts);
  const head = Buffer.from(id.toString(16).padStart(2, '0'), 'hex');
  return Buffer.concat([head, Buffer.of(0x80 | payload.length), payload]);
};
const video = element(
  0xe0,
  element(0x54cc, Buffer.of(4)),
  element(0x54bb, Buffer.of(2)),
  element(0x54dd, Buffer.of(6)),
  element(0x54aa, Buffer.of(8)),
  element(0x54b0, Buffer.of(1, 64)),
  element(0x54ba, Buffer.of(200)),
  element(0x54b2, Buffer.of(0)),
);
const matroska = Buffer.concat([
  element(0x1a45dfa3, text('matroska')),
  element(0x18538067, element(0x1654ae6b, element(0xae, element(0x83, Buffer.of(1)), video))),
]);

const chunk = (type: string, ...parts: Uint8Array[]): Buffer => {
  const data = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
};
const lossless = chunk('VP8L', Buffer.of(0x2f, 3, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
const lossy = chunk('VP8 ', Buffer.of(0, 0, 0, 0x9d, 1, 0x2a, 4, 0, 4, 0, 0, 0));
const pictureHead = Buffer.of(0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0, 0, 100, 0, 0, 2);
const webp = Buffer.concat([
  text('RIFF\0\0\0\0WEBP'),
  chunk('VP8X', Buffer.of(0x12, 0, 0, 0, 7, 0, 0, 7, 0, 0)),
  chunk('ANIM', Buffer.alloc(6)),
  chunk('ANMF', pictureHead, lossless),
  chunk('ANMF', pictureHead, chunk('ALPH', Buffer.of(0, 1)), lossy),
]);

/** Bytes as playback reads those of a file. */
const readFrom =
  (bytes: Buffer): ReadAt =>
  (at, length) => {
    const part = bytes.subarray(at, at + length);
    return part.length === length
      ? Promise.resolve(part)
      : Promise.reject(new RangeError('it leads past the end'));
  };

async function readsContainer(input: Buffer): Promise<void> {
  for (const read of [isoClap, matroskaCrop]) {
    const crop = await read(readFrom(input), 0, SIZE).catch((thrown: unknown) => {
      assert.ok(thrown instanceof RangeError, `${thrown}`);
      return undefined;
    });
    const { left = 0, top = 0, right = 0, bottom = 0, sampleAspect = 1 } = sensible(crop, SIZE) ?? {};
    assert.ok(left + right < SIZE.width && top + bottom < SIZE.height);
    assert.ok(sampleAspect > 0 && Number.isFinite(sampleAspect), `${sampleAspect}`);
  }
  try {
    const { width, height, frames } = readAnimation(input);
    assert.ok(width * height <= MAX_PIXELS && frames.length > 0);
    for (const frame of frames) assert.ok(frame.x + frame.width <= width && frame.y + frame.height <= height);
  } catch (thrown) {
    assert.ok(thrown instanceof Error && thrown.constructor === Error, `${thrown}`);
  }
}

export const containers: Target[] = [
  {
    name: 'container',
    files: /apps\/playback\/(iso-clap|matroska-crop|webp-animation|crop)\.ts$/,
    seeds: () => [movie, still, matroska, webp],
    dictionary: [
      'moov',
      'meta',
      'trak',
      'clap',
      'ipma',
      'ANMF',
      'VP8X',
      'VP8L',
      'ALPH',
      '\x18\x53\x80\x67',
      '\xae',
    ],
    maxBytes: 1024,
    limitMs: 100,
    open: withNothing(readsContainer),
  },
];
