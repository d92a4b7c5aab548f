/**
 * The wire format: one single-part message a frame, big-endian.
 *
 *     header   16  width u64, height u64
 *     pixels       one frame, by format
 *     trailer  48  magic 'NOAA', version u8 = 2, format u8, flags u8 (bit 0 redacted, 1 repeat, 2 ended),
 *                  reserved u8 = 0, sequence u64, published-at u64 (Unix ns), media position u64 (µs into the clip),
 *                  valid time u64 (Unix ms, 0 unknown), mask u64 (start of the SHA-256 of the mask in force, 0 none)
 *
 * Version 1 ends after the media position, at 32 bytes, and has only flag bit 0. Both are read, version 2 is written.
 *
 * The trailer comes last so that a Python peer's `pickle.loads(message[16:])` never sees it.
 */
import { tooLong } from './memory.ts';
import { isNotice, noticeText } from './notice.ts';
import { locateArray, pickleEnvelope } from './pickle.ts';
import { isGeometry, MAX_PIXELS, MAX_SIDE, type PixelLayout, pixelBytes, type WireFormat } from './pixels.ts';
import { type Refusal, refuse } from './refusal.ts';
import {
  AT,
  blankTrailer,
  ENDED,
  findTrailer,
  HEADER_BYTES,
  REDACTED,
  REMNANT_BYTES,
  REPEAT,
  readRemnant,
  readTrailer,
  type Stamp,
  TRAILER_BYTES,
  VERSION,
  VERSION_1_BYTES,
  writeStamp,
} from './trailer.ts';

export { notice } from './notice.ts';
export type { Refusal, RefusalReason } from './refusal.ts';
export { type Facts, HEADER_BYTES, type Stamp, TRAILER_BYTES, writeStamp } from './trailer.ts';

const MAX_ENVELOPE_BYTES = 4096;
export const MAX_MESSAGE_BYTES = HEADER_BYTES + 3 * MAX_PIXELS + MAX_ENVELOPE_BYTES + TRAILER_BYTES;

export interface Frame extends PixelLayout {
  ok: true;
  /** A view into the message: what is written here is written there. */
  pixels: Uint8Array;
  /** The trailer's version; undefined for a peer that sends no trailer. */
  version: 1 | 2 | undefined;
  /** Undefined for a peer that sends no trailer. */
  stamp: Stamp | undefined;
  /** What a filter kept of a trailer that it did not know; the sequence is lost. */
  remnant: Omit<Stamp, 'sequence'> | undefined;
  redacted: boolean;
  /** The same picture as the frame before, sent again while playback waits. */
  repeat: boolean;
  /** Nothing follows: the clip is over, and does not loop. */
  ended: boolean;
  message: Buffer;
}

/** A frame with a trailer of the newest version, the only kind that has a place for the mark. */
export interface MarkableFrame extends Frame {
  version: 2;
  stamp: Stamp;
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

  /** @throws RangeError if no receiver would accept the geometry */
  constructor(format: WireFormat, width: number, height: number) {
    if (!isGeometry(width, height)) {
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

/** Returns whether the frame can be marked as it is. */
export function isMarkable(frame: Frame): frame is MarkableFrame {
  return frame.version === VERSION && frame.stamp !== undefined;
}

/**
 * Returns the same frame, unmarked, with a trailer of version 2, for a peer that sends an older one or none. It costs a
 * copy of the message.
 */
export function withTrailer(frame: Frame, stamp: Stamp): MarkableFrame {
  const { repeat, ended } = frame;
  const bodyBytes = frame.message.length - trailingBytes(frame);
  const message = Buffer.allocUnsafeSlow(bodyBytes + TRAILER_BYTES);
  frame.message.copy(message, 0, 0, bodyBytes);
  blankTrailer(frame.format).copy(message, bodyBytes);
  writeStamp(message, { ...stamp, repeat, ended });
  const start = frame.pixels.byteOffset - frame.message.byteOffset;
  const pixels = message.subarray(start, start + frame.pixels.length);
  return { ...frame, message, pixels, stamp, version: VERSION, remnant: undefined, redacted: false };
}

function trailingBytes({ version, remnant }: Frame): number {
  if (version === undefined) return remnant ? REMNANT_BYTES : 0;
  return version === 1 ? VERSION_1_BYTES : TRAILER_BYTES;
}

/**
 * Sets the mark that the visualizer asks for, and says which mask it stands for.
 *
 * @throws TypeError for a frame without a trailer of version 2, which has no place for the mark
 */
export function markRedacted(frame: MarkableFrame, mask: bigint): void {
  if (!isMarkable(frame))
    throw new TypeError('a frame without a trailer of version 2 has no place for the mark');
  const at = frame.message.length - TRAILER_BYTES;
  frame.message.writeUInt8(frame.message.readUInt8(at + AT.flags) | REDACTED, at + AT.flags);
  frame.message.writeBigUInt64BE(mask, at + AT.mask);
  frame.redacted = true;
  frame.stamp.mask = mask;
}

/**
 * Reads a message of ZeroMQ, which may have any number of parts. A frame is a message of one.
 *
 * @param longestBytes what the service's memory has room for
 */
export function parseMessage(parts: readonly Buffer[], longestBytes = MAX_MESSAGE_BYTES): Frame | Refusal {
  const [message] = parts;
  if (message === undefined || parts.length > 1) return refuse('multi-part', `${parts.length} parts`);
  if (message.length > longestBytes) return refuse('too-long', tooLong(message.length, longestBytes));
  return parseFrame(message);
}

/**
 * Reads bytes from an untrusted peer. It copies no pixel and allocates nothing by a number from the message. What is not
 * exactly a frame is refused.
 */
export function parseFrame(message: Buffer): Frame | Refusal {
  if (message.length < HEADER_BYTES) return refuse('too-short', `${message.length} bytes`);
  if (isNotice(message)) return refuse('withheld', noticeText(message));
  // A u64 past 2^53 loses digits as a number, but it stays absurd.
  const width = Number(message.readBigUInt64BE(0));
  const height = Number(message.readBigUInt64BE(8));
  if (!isGeometry(width, height)) return refuse('bad-geometry', `${width}×${height}`);
  const found = findTrailer(message);
  if (!found) return readBarePickle(message, width, height);
  const trailer = readTrailer(message, found);
  if (!trailer.ok) return trailer;
  const { format, version, stamp, flags } = trailer;
  const body = locatePixels(message.subarray(HEADER_BYTES, found.at), format, width, height);
  if (!body.ok) return body;
  return {
    ok: true,
    width,
    height,
    format,
    order: body.order,
    pixels: body.pixels,
    version,
    stamp,
    remnant: undefined,
    redacted: (flags & REDACTED) !== 0,
    repeat: (flags & REPEAT) !== 0,
    ended: (flags & ENDED) !== 0,
    message,
  };
}

type Body = Pick<Frame, 'ok' | 'pixels' | 'order'>;

function locatePixels(body: Buffer, format: WireFormat, width: number, height: number): Body | Refusal {
  if (format === 'numpy') {
    const array = locateArray(body, width, height);
    if (!array.ok) return refuse('bad-pickle', array.detail);
    const pixels = body.subarray(array.offset, array.offset + array.length);
    return { ok: true, pixels, order: array.order };
  }
  const expected = pixelBytes(format, width, height);
  if (body.length === expected) return { ok: true, pixels: body, order: 'C' };
  return refuse('wrong-length', `${body.length} bytes of ${format} for ${width}×${height}, not ${expected}`);
}

/**
 * Reads a message without a trailer. Only the challenge's own services and filters made for them send such, and all
 * they send is a pickle.
 */
function readBarePickle(message: Buffer, width: number, height: number): Frame | Refusal {
  const body = message.subarray(HEADER_BYTES);
  let remnant: Frame['remnant'];
  let array = locatePixels(body, 'numpy', width, height);
  if (!array.ok && body.length > REMNANT_BYTES) {
    const kept = locatePixels(body.subarray(0, -REMNANT_BYTES), 'numpy', width, height);
    if (kept.ok) {
      array = kept;
      remnant = readRemnant(message);
    }
  }
  if (!array.ok) {
    return refuse(
      'no-trailer',
      `${message.length} bytes for ${width}×${height}, and no pickle: ${array.detail}`,
    );
  }
  return {
    ok: true,
    width,
    height,
    format: 'numpy',
    order: array.order,
    pixels: array.pixels,
    version: undefined,
    stamp: undefined,
    remnant,
    redacted: false,
    repeat: false,
    ended: false,
    message,
  };
}
