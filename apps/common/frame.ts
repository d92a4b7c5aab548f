/**
 * The wire format: one single-part message a frame, big-endian.
 *
 *     header   16  width u64, height u64
 *     pixels       one frame, by format
 *     trailer  32  magic 'NOAA', version u8 = 1, format u8, flags u8 (bit 0: redacted), reserved u8 = 0,
 *                  sequence u64, published-at u64 (Unix ns), media position u64 (µs into the clip)
 *
 * The trailer comes last so that a Python peer's `pickle.loads(message[16:])` never sees it.
 */
import { locateArray, type MemoryOrder, pickleEnvelope } from './pickle.ts';

export const HEADER_BYTES = 16;
export const TRAILER_BYTES = 32;

/** Names of the pixel formats, at the index of their number on the wire. */
const FORMATS = [undefined, 'i420', 'bgr24', 'numpy'] as const;

/**
 * `i420`: Y plane, then U, then V, chroma ⌈w/2⌉×⌈h/2⌉, full-range BT.601. `bgr24`: rows packed, 3 bytes a pixel.
 * `numpy`: the pickle of a `uint8` array (height, width, 3) in BGR order.
 */
export type WireFormat = Exclude<(typeof FORMATS)[number], undefined>;
export const WIRE_FORMATS = ['i420', 'bgr24', 'numpy'] as const satisfies readonly WireFormat[];

/** A GOES full disk at 1 km is 10 848 pixels a side; its largest JPEG-able kin fit too. */
export const MAX_SIDE = 16_384;
export const MAX_PIXELS = 2 ** 27;
const MAX_ENVELOPE_BYTES = 4096;
export const MAX_MESSAGE_BYTES = HEADER_BYTES + 3 * MAX_PIXELS + MAX_ENVELOPE_BYTES + TRAILER_BYTES;

const MAGIC = 0x4e4f4141; // 'NOAA'
const VERSION = 1;
const REDACTED = 1;

/** Why a message is not a frame. Closed, so that it can label a counter. */
export type RefusalReason =
  | 'multi-part'
  | 'too-short'
  | 'bad-geometry'
  | 'no-trailer'
  | 'bad-trailer'
  | 'unknown-format'
  | 'wrong-length'
  | 'bad-pickle';

export interface Refusal {
  ok: false;
  reason: RefusalReason;
  /** For the log: what was found, in numbers, never bytes of the message. */
  detail: string;
}

export interface Stamp {
  sequence: bigint;
  /** Unix time in nanoseconds. */
  publishedAtNs: bigint;
  /** Microseconds into the clip. */
  positionUs: bigint;
}

export interface Frame {
  ok: true;
  width: number;
  height: number;
  format: WireFormat;
  /** How the pixels lie: rows packed (`C`), or, only ever in a pickle, NumPy's Fortran order. */
  order: MemoryOrder;
  /** A view into the message: what is written here is written there. */
  pixels: Uint8Array;
  /** Undefined for a peer that sends no trailer. */
  stamp: Stamp | undefined;
  redacted: boolean;
  message: Buffer;
}

/** Bytes of the pixels alone. */
export function pixelBytes(format: WireFormat, width: number, height: number): number {
  if (format !== 'i420') return width * height * 3;
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/** Whether any receiver would accept a frame of this size. */
export function isGeometry(width: number, height: number): boolean {
  return width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_PIXELS;
}

/** A trailer that is neither stamped nor marked. */
function blankTrailer(format: WireFormat): Buffer {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32BE(MAGIC, 0);
  trailer.writeUInt8(VERSION, 4);
  trailer.writeUInt8(FORMATS.indexOf(format), 5);
  return trailer;
}

/** Where things lie in the messages of one clip; made once, used for every frame. */
export class FrameLayout {
  readonly format: WireFormat;
  readonly width: number;
  readonly height: number;
  readonly pixelOffset: number;
  readonly pixelBytes: number;
  readonly messageBytes: number;
  readonly #head: Buffer;
  readonly #tail: Buffer;

  /** @throws RangeError where no receiver would accept the geometry */
  constructor(format: WireFormat, width: number, height: number) {
    if (!Number.isInteger(width) || !Number.isInteger(height) || !isGeometry(width, height)) {
      throw new RangeError(
        `${width}×${height} is outside 1×1 to ${MAX_SIDE}×${MAX_SIDE}, ${MAX_PIXELS} pixels`,
      );
    }
    this.format = format;
    this.width = width;
    this.height = height;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeBigUInt64BE(BigInt(width), 0);
    header.writeBigUInt64BE(BigInt(height), 8);
    const trailer = blankTrailer(format);
    const envelope = format === 'numpy' ? pickleEnvelope(width, height) : undefined;
    this.#head = envelope ? Buffer.concat([header, envelope.before]) : header;
    this.#tail = envelope ? Buffer.concat([envelope.after, trailer]) : trailer;
    this.pixelOffset = this.#head.length;
    this.pixelBytes = pixelBytes(format, width, height);
    this.messageBytes = this.pixelOffset + this.pixelBytes + this.#tail.length;
  }

  /** The one allocation of a frame; its pixels, from `pixelOffset` on, are not initialised. */
  allocate(): Buffer {
    const message = Buffer.allocUnsafeSlow(this.messageBytes);
    this.#head.copy(message, 0);
    this.#tail.copy(message, this.pixelOffset + this.pixelBytes);
    return message;
  }
}

/** Writes a frame's facts into its trailer, just before it is sent. */
export function writeStamp(message: Buffer, stamp: Stamp): void {
  const at = message.length - TRAILER_BYTES;
  message.writeBigUInt64BE(stamp.sequence, at + 8);
  message.writeBigUInt64BE(stamp.publishedAtNs, at + 16);
  message.writeBigUInt64BE(stamp.positionUs, at + 24);
}

/**
 * The same frame with a trailer, for one whose sender knows of none; without it there is no place for the mark.
 * It costs a copy of the message.
 */
export function addTrailer(frame: Frame, stamp: Stamp): Frame {
  const message = Buffer.allocUnsafeSlow(frame.message.length + TRAILER_BYTES);
  frame.message.copy(message);
  blankTrailer(frame.format).copy(message, frame.message.length);
  writeStamp(message, stamp);
  const start = frame.pixels.byteOffset - frame.message.byteOffset;
  const pixels = message.subarray(start, start + frame.pixels.length);
  return { ...frame, message, pixels, stamp };
}

/** Sets the mark that the visualizer asks for; a message without a trailer has no place for it. */
export function markRedacted(frame: Frame): void {
  if (!frame.stamp) return;
  const at = frame.message.length - TRAILER_BYTES + 6;
  frame.message.writeUInt8(frame.message.readUInt8(at) | REDACTED, at);
  frame.redacted = true;
}

function refuse(reason: RefusalReason, detail: string): Refusal {
  return { ok: false, reason, detail };
}

/** Reads a message of ZeroMQ, which may have any number of parts. A frame is a message of one. */
export function parseMessage(parts: readonly Buffer[]): Frame | Refusal {
  const [message] = parts;
  if (message === undefined || parts.length > 1) return refuse('multi-part', `${parts.length} parts`);
  return parseFrame(message);
}

/**
 * Reads bytes from a peer that is not trusted. It copies no pixel and allocates nothing by a number it was told.
 * Whatever is not exactly a frame is refused.
 */
export function parseFrame(message: Buffer): Frame | Refusal {
  if (message.length < HEADER_BYTES) return refuse('too-short', `${message.length} bytes`);
  // A u64 past 2^53 loses digits as a number, never its being absurd.
  const width = Number(message.readBigUInt64BE(0));
  const height = Number(message.readBigUInt64BE(8));
  if (!isGeometry(width, height)) return refuse('bad-geometry', `${width}×${height}`);

  const at = message.length - TRAILER_BYTES;
  const marked = at >= HEADER_BYTES && message.readUInt32BE(at) === MAGIC;
  if (!marked) {
    // Only the challenge's own services send no trailer, and all they send is a pickle.
    const array = locateArray(message.subarray(HEADER_BYTES), width, height);
    if (!array.ok)
      return refuse(
        'no-trailer',
        `${message.length} bytes for ${width}×${height}, and no pickle: ${array.detail}`,
      );
    const pixels = message.subarray(HEADER_BYTES + array.offset, HEADER_BYTES + array.offset + array.length);
    return {
      ok: true,
      width,
      height,
      format: 'numpy',
      order: array.order,
      pixels,
      stamp: undefined,
      redacted: false,
      message,
    };
  }

  const version = message.readUInt8(at + 4);
  const flags = message.readUInt8(at + 6);
  const reserved = message.readUInt8(at + 7);
  if (version !== VERSION || reserved !== 0 || (flags & ~REDACTED) !== 0) {
    return refuse('bad-trailer', `version ${version}, flags ${flags}, reserved ${reserved}`);
  }
  const format = FORMATS[message.readUInt8(at + 5)];
  if (format === undefined) return refuse('unknown-format', `format ${message.readUInt8(at + 5)}`);

  let pixels = message.subarray(HEADER_BYTES, at);
  let order: MemoryOrder = 'C';
  if (format === 'numpy') {
    const array = locateArray(pixels, width, height);
    if (!array.ok) return refuse('bad-pickle', array.detail);
    pixels = pixels.subarray(array.offset, array.offset + array.length);
    order = array.order;
  } else if (pixels.length !== pixelBytes(format, width, height)) {
    const expected = pixelBytes(format, width, height);
    return refuse(
      'wrong-length',
      `${pixels.length} bytes of ${format} for ${width}×${height}, not ${expected}`,
    );
  }
  const stamp = {
    sequence: message.readBigUInt64BE(at + 8),
    publishedAtNs: message.readBigUInt64BE(at + 16),
    positionUs: message.readBigUInt64BE(at + 24),
  };
  return {
    ok: true,
    width,
    height,
    format,
    order,
    pixels,
    stamp,
    redacted: (flags & REDACTED) !== 0,
    message,
  };
}
