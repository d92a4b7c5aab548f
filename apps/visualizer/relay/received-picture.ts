import { Picture } from '../picture.ts';
import { jpegSize } from './jpeg-size.ts';

/** Why a relay does not show what its origin sends. */
export type RelayRefusal = 'unmarked' | 'bad-part' | 'bad-jpeg' | 'ring' | 'other-marking';

export type Received =
  | { ok: true; picture: Picture }
  | { ok: false; reason: Exclude<RelayRefusal, 'ring' | 'other-marking'>; detail: string };

/** Headers by name in lower case, of a part or of an answer. */
export interface Headers {
  get(name: string): string | undefined;
}

/** The last moment that a `Date` can hold, in Unix ms. */
const LAST_DATE_MS = 8.64e15;

/**
 * Reads a picture that another visualizer has sent: its JPEG is kept as it is, and its facts are read from the headers, not
 * one of them believed that does not have exactly the form in which a visualizer writes it.
 *
 * @param marking what headers say of the marking
 */
export function readPicture(
  headers: Headers,
  jpeg: Buffer,
  allowUnmarked: boolean,
  marking?: string,
): Received {
  const size = jpegSize(jpeg);
  if (!size) return { ok: false, reason: 'bad-jpeg', detail: `${jpeg.length} bytes` };
  const redacted = headers.get('x-redacted') === '1';
  if (!redacted && !allowUnmarked)
    return { ok: false, reason: 'unmarked', detail: `a ${size.width}×${size.height} picture` };

  const seq = whole(headers.get('x-sequence'));
  const microseconds = whole(
    /^(\d{1,10}\.\d{6})$/.exec(headers.get('x-timestamp') ?? '')?.[1]?.replace('.', ''),
  );
  const position = optional(headers.get('x-position'), whole);
  const latencyMs = optional(headers.get('x-latency'), milliseconds);
  const validAt = optional(headers.get('x-valid-time'), date);
  const mask = optional(headers.get('x-mask'), digest);
  for (const [name, value] of Object.entries({ seq, microseconds, position, latencyMs, validAt, mask })) {
    if (value === undefined)
      return {
        ok: false,
        reason: 'bad-part',
        detail: `its ${HEADER_OF[name as keyof typeof HEADER_OF]} is missing or wrong`,
      };
  }
  const facts = {
    seq: seq!,
    ...size,
    publishedAt: microseconds! / 1000,
    position: position!,
    latencyMs: latencyMs!,
    validAt: validAt!,
    mask: mask!,
    redacted,
  };
  return { ok: true, picture: new Picture(jpeg, facts, false, marking) };
}

const HEADER_OF = {
  seq: 'X-Sequence',
  microseconds: 'X-Timestamp',
  position: 'X-Position',
  latencyMs: 'X-Latency',
  validAt: 'X-Valid-Time',
  mask: 'X-Mask',
};

/** Returns null for a header that is not there, and undefined for one that is wrong. */
function optional<T>(text: string | undefined, read: (text: string) => T | undefined): T | null | undefined {
  return text === undefined ? null : read(text);
}

function whole(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

const milliseconds = (text: string): number | undefined =>
  /^-?\d{1,8}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined;

function date(text: string): number | undefined {
  const value = /^(\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  return Math.abs(value) <= LAST_DATE_MS ? value : undefined;
}

const digest = (text: string): string | undefined => (/^[\da-f]{16}$/.test(text) ? text : undefined);
