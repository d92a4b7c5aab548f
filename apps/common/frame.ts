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
import { locateArray, pickleEnvelope } from './pickle.ts';
import { isGeometry, MAX_PIXELS, MAX_SIDE, type PixelLayout, pixelBytes, type WireFormat } from './pixels.ts';

export const HEADER_BYTES = 16;
export const TRAILER_BYTES = 48;
const VERSION_1_BYTES = 32;
/** What a filter keeps of our trailer if it takes ours for version 1 and keeps the last 32 bytes. */
const REMNANT_BYTES = VERSION_1_BYTES;

const MAX_ENVELOPE_BYTES = 4096;
export const MAX_MESSAGE_BYTES = HEADER_BYTES + 3 * MAX_PIXELS + MAX_ENVELOPE_BYTES + TRAILER_BYTES;

/** Names of the pixel formats, at the index of their number on the wire. */
const FORMATS: readonly (WireFormat | undefined)[] = [undefined, 'i420', 'bgr24', 'numpy'];

/** A notice is a sentence or two. */
const MAX_NOTICE_BYTES = 1024;

const MAGIC = 0x4e4f4141; // 'NOAA'
const VERSION = 2;
const REDACTED = 1;
const REPEAT = 2;
const ENDED = 4;
/** By version of the trailer. */
const KNOWN_FLAGS = { 1: REDACTED, 2: REDACTED | REPEAT | ENDED };

/** Where the fields lie in a trailer, in bytes from its start. */
const AT = {
  version: 4,
  format: 5,
  flags: 6,
  reserved: 7,
  sequence: 8,
  publishedAt: 16,
  position: 24,
  validAt: 32,
  mask: 40,
};

/** The last moment that a `Date` can hold, in Unix ms. */
const LAST_DATE_MS = 8.64e15;

/** Why a message is not a frame. Closed, so that it can label a counter. */
export type RefusalReason =
  | 'multi-part'
  | 'too-long'
  | 'too-short'
  | 'bad-geometry'
  | 'no-trailer'
  | 'bad-trailer'
  | 'unknown-format'
  | 'wrong-length'
  | 'bad-pickle'
  | 'withheld';

export interface Refusal {
  ok: false;
  reason: RefusalReason;
  /** For the log: what was found, in numbers, never bytes of the message. Of a notice it is the publisher's sentence. */
  detail: string;
}

export interface Stamp {
  sequence: bigint;
  /** Unix time in nanoseconds. */
  publishedAtNs: bigint;
  /** Microseconds into the clip. */
  positionUs: bigint;
  /** When the picture was taken, in Unix milliseconds; 0 if that is not known. */
  validAtMs: number;
  /** The first 8 bytes of the SHA-256 of the mask in force; 0 before the redactor. */
  mask: bigint;
}

/** What a publisher writes into a trailer. What it leaves out is unknown, or does not hold. */
export interface Facts extends Pick<Stamp, 'sequence' | 'publishedAtNs' | 'positionUs'> {
  validAtMs?: number;
  mask?: bigint;
  repeat?: boolean;
  ended?: boolean;
}

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

/** A trailer that is neither stamped nor marked. */
function blankTrailer(format: WireFormat): Buffer {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32BE(MAGIC, 0);
  trailer.writeUInt8(VERSION, AT.version);
  trailer.writeUInt8(FORMATS.indexOf(format), AT.format);
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

  /** @throws RangeError if no receiver would accept the geometry */
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

/**
 * Writes a frame's facts into its trailer of version 2, just before it is sent. The mark is left as it is; every other
 * field is written.
 */
export function writeStamp(message: Buffer, facts: Facts): void {
  const at = message.length - TRAILER_BYTES;
  const { sequence, publishedAtNs, positionUs, validAtMs = 0, mask = 0n, repeat, ended } = facts;
  const redacted = message.readUInt8(at + AT.flags) & REDACTED;
  message.writeUInt8(redacted | (repeat ? REPEAT : 0) | (ended ? ENDED : 0), at + AT.flags);
  message.writeBigUInt64BE(sequence, at + AT.sequence);
  message.writeBigUInt64BE(publishedAtNs, at + AT.publishedAt);
  message.writeBigUInt64BE(positionUs, at + AT.position);
  message.writeBigUInt64BE(BigInt(validAtMs), at + AT.validAt);
  message.writeBigUInt64BE(mask, at + AT.mask);
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
 * Returns a message that says why there is no frame: a size of 0×0, a sentence instead of pixels, and a trailer of format
 * 0. A reader that does not know notices refuses it as no frame.
 */
export function notice(sentence: string): Buffer {
  const text = Buffer.from(sentence).subarray(0, MAX_NOTICE_BYTES);
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32BE(MAGIC, 0);
  trailer.writeUInt8(VERSION, AT.version);
  return Buffer.concat([Buffer.alloc(HEADER_BYTES), text, trailer]);
}

const NO_PICTURE = Buffer.alloc(HEADER_BYTES);

function isNotice(message: Buffer): boolean {
  const at = message.length - TRAILER_BYTES;
  return (
    at >= HEADER_BYTES &&
    at <= HEADER_BYTES + MAX_NOTICE_BYTES &&
    message.readUInt32BE(at) === MAGIC &&
    message.readUInt8(at + AT.version) === VERSION &&
    message.readUInt8(at + AT.format) === 0 &&
    message.compare(NO_PICTURE, 0, HEADER_BYTES, 0, HEADER_BYTES) === 0
  );
}

/** Any publisher can write one, so the text loses its control characters before logs and pages show it. */
function noticeText(message: Buffer): string {
  const text = message.toString('utf8', HEADER_BYTES, message.length - TRAILER_BYTES);
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
}

function refuse(reason: RefusalReason, detail: string): Refusal {
  return { ok: false, reason, detail };
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

interface Found {
  at: number;
  version: number;
  /** The version that a trailer at this place has. */
  expected: 1 | 2;
}

/** Looks for the magic where either version has it. A trailer whose version belongs there comes first. */
function findTrailer(message: Buffer): Found | undefined {
  const newest = trailerAt(message, message.length - TRAILER_BYTES, 2);
  if (newest?.version === 2) return newest;
  const oldest = trailerAt(message, message.length - VERSION_1_BYTES, 1);
  if (oldest?.version === 1) return oldest;
  return newest ?? oldest;
}

function trailerAt(message: Buffer, at: number, expected: 1 | 2): Found | undefined {
  if (at < HEADER_BYTES || message.readUInt32BE(at) !== MAGIC) return undefined;
  return { at, version: message.readUInt8(at + AT.version), expected };
}

type Trailer = { ok: true; format: WireFormat; version: 1 | 2; flags: number; stamp: Stamp };

function readTrailer(message: Buffer, { at, version, expected }: Found): Trailer | Refusal {
  const flags = message.readUInt8(at + AT.flags);
  const reserved = message.readUInt8(at + AT.reserved);
  if (version !== expected || reserved !== 0 || (flags & ~KNOWN_FLAGS[expected]) !== 0) {
    return refuse('bad-trailer', `version ${version}, flags ${flags}, reserved ${reserved}`);
  }
  const number = message.readUInt8(at + AT.format);
  const format = FORMATS[number];
  if (format === undefined) return refuse('unknown-format', `format ${number}`);
  const sequence = message.readBigUInt64BE(at + AT.sequence);
  const stamp: Stamp = {
    sequence,
    publishedAtNs: message.readBigUInt64BE(at + AT.publishedAt),
    positionUs: message.readBigUInt64BE(at + AT.position),
    validAtMs: expected === 1 ? 0 : Number(message.readBigUInt64BE(at + AT.validAt)),
    mask: expected === 1 ? 0n : message.readBigUInt64BE(at + AT.mask),
  };
  if (stamp.validAtMs > LAST_DATE_MS)
    return refuse('bad-trailer', `valid time ${stamp.validAtMs} is no date`);
  return { ok: true, format, version: expected, flags, stamp };
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

/** The last 32 bytes of a trailer of version 2: everything after the sequence. */
function readRemnant(message: Buffer): Frame['remnant'] {
  const at = message.length - TRAILER_BYTES;
  const validAtMs = Number(message.readBigUInt64BE(at + AT.validAt));
  return {
    publishedAtNs: message.readBigUInt64BE(at + AT.publishedAt),
    positionUs: message.readBigUInt64BE(at + AT.position),
    validAtMs: validAtMs > LAST_DATE_MS ? 0 : validAtMs,
    mask: message.readBigUInt64BE(at + AT.mask),
  };
}
