import { AT, HEADER_BYTES, MAGIC, TRAILER_BYTES, VERSION } from './trailer.ts';

/** A notice is a sentence or two. */
const MAX_NOTICE_BYTES = 1024;

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

/** Returns whether a message is a notice instead of a frame. */
export function isNotice(message: Buffer): boolean {
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
export function noticeText(message: Buffer): string {
  const text = message.toString('utf8', HEADER_BYTES, message.length - TRAILER_BYTES);
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
}
