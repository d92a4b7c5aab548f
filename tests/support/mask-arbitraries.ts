/** Masks, pictures and messages for property tests of the redactor. */
import fc from 'fast-check';
import { FrameLayout, HEADER_BYTES, TRAILER_BYTES, writeStamp } from '../../apps/common/frame.ts';
import type { MaskFile, Region } from '../../apps/redactor/mask-file.ts';
import { readMask } from '../../apps/redactor/mask-file.ts';

/** Colours and what they are in full-range BT.601, worked out by hand. */
export const FILLS = {
  '#000000': { yuv: [0, 128, 128], bgr: [0, 0, 0] },
  '#ffffff': { yuv: [255, 128, 128], bgr: [255, 255, 255] },
  '#ff0000': { yuv: [76, 85, 255], bgr: [0, 0, 255] },
  '#0000ff': { yuv: [29, 255, 107], bgr: [255, 0, 0] },
  '#406080': { yuv: [90, 149, 109], bgr: [128, 96, 64] },
} as const;

export interface Picture {
  width: number;
  height: number;
  kind: 'i420' | 'bgr24' | 'numpy' | 'fortran';
}

const side = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 2, arbitrary: fc.integer({ min: 21, max: 40 }) },
);
const longSide = fc.constantFrom(16_384, 16_383, 9999);
const size = fc.oneof(
  { weight: 3000, arbitrary: fc.tuple(side, side) },
  { weight: 1, arbitrary: fc.tuple(longSide, fc.integer({ min: 1, max: 2 })) },
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 1, max: 2 }), longSide) },
);

export const pictures: fc.Arbitrary<Picture> = fc
  .tuple(size, fc.constantFrom('i420', 'bgr24', 'numpy', 'fortran'))
  .map(([[width, height], kind]) => ({ width, height, kind }));

/** Of a length: whole pixels, halves, or anything between. */
function within(length: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: 0, max: length }),
    fc.integer({ min: 0, max: 2 * length }).map(halves => halves / 2),
    fc.double({ min: 0, max: length, noNaN: true }),
  );
}

/** A range of a length that is not empty: where it begins, and how long it is. */
function range(length: number): fc.Arbitrary<[start: number, extent: number]> {
  return fc
    .tuple(within(length), within(length))
    .map(([a, b]): [number, number] => [Math.min(a, b), Math.abs(a - b)])
    .filter(([, extent]) => extent > length / 1e5);
}

function regions(width: number, height: number): fc.Arbitrary<Region> {
  const name = fc.constant('a region');
  const polygon = fc.array(fc.tuple(within(width), within(height)), { minLength: 3, maxLength: 7 });
  return fc.oneof(
    fc
      .record({ name, shape: fc.constant('rectangle' as const), across: range(width), down: range(height) })
      .map(({ across, down, ...rest }) => ({
        ...rest,
        x: across[0],
        y: down[0],
        width: across[1],
        height: down[1],
      })),
    fc
      .record({ name, shape: fc.constant('ellipse' as const), across: range(width), down: range(height) })
      .map(({ across, down, ...rest }) => ({
        ...rest,
        cx: across[0] + across[1] / 2,
        cy: down[0] + down[1] / 2,
        rx: across[1] / 2,
        ry: down[1] / 2,
      })),
    fc.record({ name, shape: fc.constant('polygon' as const), points: polygon }),
  );
}

/** Masks as their authors write them, for pictures of one size or of any, that the redactor accepts. */
export function masks(width: number, height: number): fc.Arbitrary<MaskFile> {
  const units = fc.constantFrom('pixels' as const, 'normalised' as const);
  return units
    .chain(unit => {
      const [across, down] = unit === 'pixels' ? [width, height] : [1, 1];
      const length = (limit: number) =>
        unit === 'pixels'
          ? fc.integer({ min: 0, max: Math.ceil(limit / 4) })
          : fc.double({ min: 0, max: 0.3, noNaN: true });
      return fc.record(
        {
          version: fc.constant(1),
          units: fc.constant(unit),
          picture: unit === 'pixels' ? fc.constant({ width, height }) : fc.constant(undefined),
          border: fc.record(
            { top: length(height), right: length(width), bottom: length(height), left: length(width) },
            { requiredKeys: [] },
          ),
          mode: fc.constantFrom('cover', 'keepOnly'),
          margin: fc.oneof(fc.constant(0), fc.constantFrom(0.5, 1, 2, 3)),
          fill: fc.constantFrom(...(Object.keys(FILLS) as (keyof typeof FILLS)[])),
          regions: fc.array(regions(across, down), { maxLength: 4 }),
        },
        { requiredKeys: ['version', 'units', 'picture', 'regions'] },
      );
    })
    .map(written => readMask(JSON.stringify(written)))
    .filter(reading => reading.ok)
    .map(reading => reading.mask);
}

export interface Sent {
  message: Buffer;
  /** Where the pixels lie. */
  offset: number;
  length: number;
}

export type Trailer = 'version 2' | 'version 1' | 'none' | 'remnant';

/** Which trailers a picture can come with. */
export function trailersOf({ kind }: Picture): fc.Arbitrary<Trailer> {
  const any = ['version 2', 'version 1'] as const;
  return kind === 'i420' || kind === 'bgr24'
    ? fc.constantFrom(...any)
    : fc.constantFrom(...any, 'none', 'remnant');
}

/** Returns a message as a publisher sends it, its pixels from a generator of noise. */
export function messageOf(picture: Picture, trailer: Trailer, sequence: number, noise: () => number): Sent {
  const { width, height, kind } = picture;
  const layout = new FrameLayout(kind === 'fortran' ? 'numpy' : kind, width, height);
  const message = layout.allocate();
  const { pixelOffset: offset, pixelBytes: length } = layout;
  if (kind === 'fortran') {
    // The flag stands before the head of the bytes, which is of 2 bytes for fewer than 256 and else of 5.
    const flag = offset - (length < 256 ? 2 : 5) - 1;
    if (message[flag] !== 0x89) throw new Error('the flag of the order is elsewhere');
    message[flag] = 0x88;
  }
  for (let i = 0; i < length; i += 1) message[offset + i] = noise();
  writeStamp(message, { sequence: BigInt(sequence), publishedAtNs: 1n, positionUs: 2n });
  const body = message.subarray(0, -TRAILER_BYTES);
  const kept = message.subarray(-TRAILER_BYTES);
  switch (trailer) {
    case 'version 2':
      return { message, offset, length };
    case 'version 1': {
      const older = Buffer.from(kept.subarray(0, 32));
      older[4] = 1;
      return { message: Buffer.concat([body, older]), offset, length };
    }
    case 'none':
      return { message: Buffer.from(body), offset, length };
    case 'remnant':
      return { message: Buffer.concat([body, kept.subarray(-32)]), offset, length };
  }
}

/** Places at which the samples of a pixel lie among the pixel bytes, and the value that a colour has there. */
export function samplesOfPixel(
  { width, height, kind }: Picture,
  x: number,
  y: number,
  fill: keyof typeof FILLS,
): { at: number; value: number; chroma: boolean }[] {
  const { yuv, bgr } = FILLS[fill];
  switch (kind) {
    case 'i420': {
      const chromaWidth = (width + 1) >> 1;
      const chromaBytes = chromaWidth * ((height + 1) >> 1);
      const chroma = width * height + (y >> 1) * chromaWidth + (x >> 1);
      return [
        { at: y * width + x, value: yuv[0], chroma: false },
        { at: chroma, value: yuv[1], chroma: true },
        { at: chroma + chromaBytes, value: yuv[2], chroma: true },
      ];
    }
    case 'bgr24':
    case 'numpy':
      return bgr.map((value, channel) => ({ at: 3 * (y * width + x) + channel, value, chroma: false }));
    case 'fortran':
      return bgr.map((value, channel) => ({
        at: y + height * (x + width * channel),
        value,
        chroma: false,
      }));
  }
}

/** Changes to a message that leave it a frame or not. */
export const damages: fc.Arbitrary<(message: Buffer) => Buffer> = fc.oneof(
  fc.nat(400).map(length => (message: Buffer) => Buffer.from(message.subarray(0, length))),
  fc.tuple(fc.nat(HEADER_BYTES - 1), fc.nat(255)).map(
    ([at, value]) =>
      (message: Buffer) =>
        withByte(message, at, value),
  ),
  fc.tuple(fc.integer({ min: 1, max: TRAILER_BYTES }), fc.nat(255)).map(
    ([back, value]) =>
      (message: Buffer) =>
        withByte(message, message.length - back, value),
  ),
  fc.constant((message: Buffer) => {
    const exchanged = Buffer.from(message);
    message.copy(exchanged, 0, 8, 16);
    message.copy(exchanged, 8, 0, 8);
    return exchanged;
  }),
);

function withByte(message: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(message);
  if (at >= 0 && at < changed.length) changed[at] = value;
  return changed;
}
