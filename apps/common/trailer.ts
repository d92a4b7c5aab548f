/**
 * The trailer of a message: who published a frame and when, and what is known of it. `frame.ts` has the whole format.
 */
import type { WireFormat } from './pixels.ts';
import { type Refusal, refuse } from './refusal.ts';

export const HEADER_BYTES = 16;
export const TRAILER_BYTES = 48;
export const VERSION_1_BYTES = 32;
/** What a filter keeps of our trailer if it takes ours for version 1 and keeps the last 32 bytes. */
export const REMNANT_BYTES = VERSION_1_BYTES;

/** Names of the pixel formats, at the index of their number on the wire. */
const FORMATS: readonly (WireFormat | undefined)[] = [undefined, 'i420', 'bgr24', 'numpy'];

export const MAGIC = 0x4e4f4141; // 'NOAA'
export const VERSION = 2;
export const REDACTED = 1;
export const REPEAT = 2;
export const ENDED = 4;
/** By version of the trailer. */
const KNOWN_FLAGS = { 1: REDACTED, 2: REDACTED | REPEAT | ENDED };

/** Where the fields lie in a trailer, in bytes from its start. */
export const AT = {
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

/** A trailer that is neither stamped nor marked. */
export function blankTrailer(format: WireFormat): Buffer {
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32BE(MAGIC, 0);
  trailer.writeUInt8(VERSION, AT.version);
  trailer.writeUInt8(FORMATS.indexOf(format), AT.format);
  return trailer;
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

interface Found {
  at: number;
  version: number;
  /** The version that a trailer at this place has. */
  expected: 1 | 2;
}

/** Looks for the magic where either version has it. A trailer whose version belongs there comes first. */
export function findTrailer(message: Buffer): Found | undefined {
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

export function readTrailer(message: Buffer, { at, version, expected }: Found): Trailer | Refusal {
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

/** The last 32 bytes of a trailer of version 2: everything after the sequence. */
export function readRemnant(message: Buffer): Omit<Stamp, 'sequence'> {
  const at = message.length - TRAILER_BYTES;
  const validAtMs = Number(message.readBigUInt64BE(at + AT.validAt));
  return {
    publishedAtNs: message.readBigUInt64BE(at + AT.publishedAt),
    positionUs: message.readBigUInt64BE(at + AT.position),
    validAtMs: validAtMs > LAST_DATE_MS ? 0 : validAtMs,
    mask: message.readBigUInt64BE(at + AT.mask),
  };
}
