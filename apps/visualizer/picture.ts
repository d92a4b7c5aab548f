import { withComment } from './jpeg-comment.ts';
import type { PictureFacts } from './messages.ts';

/** What is known of a picture, and whether its frame was marked as redacted, which only headers say. */
export type MadeFacts = PictureFacts & { redacted?: boolean };

/** An encoded frame, or the card that replaces one, in the forms that viewers take. Each form is made at most once. */
export class Picture {
  readonly jpeg: Buffer;
  readonly facts: PictureFacts;
  readonly #redacted: boolean;
  readonly card: boolean;
  readonly #marking: string | undefined;
  #file: Buffer | undefined;
  #sse: Buffer | undefined;
  #part: Buffer | undefined;
  #openPart: Buffer | undefined;
  #relayPart: Buffer | undefined;

  /**
   * @param card whether it explains why nothing is live, instead of showing a frame
   * @param marking what headers say of the marking
   */
  constructor(jpeg: Buffer, { redacted = false, ...facts }: MadeFacts, card = false, marking?: string) {
    this.#marking = marking;
    this.jpeg = jpeg;
    this.facts = facts;
    this.#redacted = redacted;
    this.card = card;
  }

  /** What HTTP headers say of it: of a snapshot, and of a part of a stream. */
  get headers(): Record<string, string> {
    const { seq, publishedAt, position, validAt, mask } = this.facts;
    return {
      'X-Sequence': String(seq),
      'X-Timestamp': (publishedAt / 1000).toFixed(6),
      ...(position !== null && { 'X-Position': String(position) }),
      ...(this.#redacted && { 'X-Redacted': '1' }),
      ...(validAt !== null && { 'X-Valid-Time': new Date(validAt).toISOString() }),
      ...(mask !== null && { 'X-Mask': mask }),
      ...markingHeaders(this.#marking),
    };
  }

  /**
   * The JPEG with mask and valid time in a comment, for a picture that leaves us as a file. Both are the same for the same
   * place in a clip, so that two clips that differ only under the mask still give the same bytes.
   */
  get file(): Buffer {
    this.#file ??= this.fileOf(this.jpeg);
    return this.#file;
  }

  /** Returns another JPEG of the same picture with that comment. */
  fileOf(jpeg: Buffer): Buffer {
    const { mask, validAt } = this.facts;
    const known = [
      mask !== null && `mask ${mask}`,
      validAt !== null && `valid ${new Date(validAt).toISOString()}`,
    ];
    const comment = known.filter(Boolean).join(', ');
    return comment ? withComment(jpeg, `noaa-pod: ${comment}`) : jpeg;
  }

  /**
   * The SSE event `frame`. It carries no `id`: sse-channel would keep and replay it.
   * Cost: base64, written piece by piece, 0.07 CPU ms for a JPEG of 270 kB, which becomes 33 % longer.
   */
  get sse(): Buffer {
    this.#sse ??= sseEvent(this.facts, this.jpeg);
    return this.#sse;
  }

  /** A whole part of `multipart/x-mixed-replace`: boundary, headers, JPEG. */
  get part(): Buffer {
    this.#part ??= wholePart('image/jpeg', this.headers, this.jpeg);
    return this.#part;
  }

  /** The same for a relay, with all that its own viewers are told. */
  get relayPart(): Buffer {
    const { latencyMs } = this.facts;
    const latency = latencyMs === null ? {} : { 'X-Latency': String(latencyMs) };
    this.#relayPart ??= wholePart('image/jpeg', { ...latency, ...this.headers }, this.jpeg);
    return this.#relayPart;
  }

  /**
   * The same for Blink, which shows a part only after it has read the headers of the next one: JPEG, then boundary and
   * headers of the next part, whose length is not known yet. `partOpening` precedes the first.
   */
  get openPart(): Buffer {
    this.#openPart ??= Buffer.concat([this.jpeg, CRLF, partOpening(this.#marking)]);
    return this.#openPart;
  }
}

/**
 * A multiple of 3, so that only the last piece is padded; and small, so that its string stays in the processor's cache.
 * Two strings of a whole picture fill V8's space for large young objects and cause a collection every other frame.
 */
const BASE64_PIECE_BYTES = 24_000;
const CRLF = Buffer.from('\r\n');
export const BOUNDARY = 'noaa-frame';
/** Returns the headers of a part whose picture is not known yet. */
export const partOpening = (marking: string | undefined): Buffer =>
  Buffer.from(`--${BOUNDARY}\r\nContent-Type: image/jpeg\r\n${headerLines(markingHeaders(marking))}`);

/** Returns the header of the marking, if there is one. */
export const markingHeaders = (marking: string | undefined): Record<string, string> =>
  marking === undefined ? {} : { 'X-Marking': marking };

/** Returns an event for a relay, as a part among those of the pictures. */
export function relayEvent(event: string, data: object): Buffer {
  return wholePart('application/json', { 'X-Event': event }, Buffer.from(JSON.stringify(data)));
}

function wholePart(type: string, headers: Record<string, string>, body: Buffer): Buffer {
  const opening = `--${BOUNDARY}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n`;
  return Buffer.concat([Buffer.from(opening + headerLines(headers)), body, CRLF]);
}

const headerLines = (headers: Record<string, string>): string =>
  `${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

function sseEvent(facts: PictureFacts, jpeg: Buffer): Buffer {
  const opening = `event: frame\ndata: ${JSON.stringify(facts).slice(0, -1)},"jpeg":"`;
  const closing = '"}\n\n';
  const event = Buffer.allocUnsafeSlow(opening.length + 4 * Math.ceil(jpeg.length / 3) + closing.length);
  let at = event.write(opening, 'latin1');
  for (let from = 0; from < jpeg.length; from += BASE64_PIECE_BYTES) {
    at += event.write(jpeg.toString('base64', from, from + BASE64_PIECE_BYTES), at, 'latin1');
  }
  event.write(closing, at, 'latin1');
  return event;
}
