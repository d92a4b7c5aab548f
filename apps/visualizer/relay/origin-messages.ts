import { type Marking, readMarking } from '../marking.ts';
import type { LoopChange, LoopFrame, LoopList } from '../messages.ts';
import { parseChain } from './chain.ts';
import { type OriginView, STATES } from './relay-source.ts';

/** A sentence that is longer is cut. */
const LONGEST_SENTENCE = 1000;
/** Of a longer listing the newest are read. */
const MOST_FRAMES = 100_000;
/** No frame of a listing is longer, nor all that is beside its frames. */
const FRAME_BYTES = 300;
/** A visualizer adds one at a time. */
const MOST_ADDED = 100;

/** The last moment that a `Date` can hold, in Unix ms. */
const LAST_DATE_MS = 8.64e15;

type Json = Record<string, unknown>;

/** What a relay reads of an origin's status. */
export interface OriginStatus extends OriginView {
  chain: string[];
  /** Unix ms on the origin's clock. */
  time: number;
  marking: Marking | undefined;
}

/** Returns an origin's status; undefined if it is none. */
export function readStatus(value: unknown): OriginStatus | undefined {
  const { state, message, chain, time, sector, source, marking } = asObject(value);
  const { format, pictureSequence, blank } = asObject(source);
  const ids = parseChain(chain);
  const known = STATES.find(name => name === state);
  if (!ids || !known || typeof message !== 'string' || !isTime(time)) return undefined;
  return {
    state: known,
    message: sentence(message),
    chain: ids,
    time,
    sector: typeof sector === 'string' ? sentence(sector) : null,
    format: typeof format === 'string' ? sentence(format) : null,
    pictureSequence: typeof pictureSequence === 'number' ? pictureSequence : null,
    blank: typeof blank === 'boolean' ? blank : null,
    marking: readMarking(marking),
  };
}

/** Returns the number and time of a frame that repeats the one before it; undefined if the event is none. */
export function readRepeat(value: unknown): { seq: number; publishedAt: number } | undefined {
  const { seq, publishedAt } = asObject(value);
  return isCount(seq) && typeof publishedAt === 'number' && publishedAt >= 0 && publishedAt < 1e13
    ? { seq, publishedAt }
    : undefined;
}

/**
 * Returns the text of a listing with at least this many of its newest frames, if it has as many; undefined if it can be none.
 * To be read before JSON.parse, which takes up to 75 times the length of a hostile text.
 */
export function newestListed(body: Buffer, count: number): string | undefined {
  let from = body.length;
  for (let found = 0; found < count && from > 0; found += 1)
    from = Math.max(0, body.lastIndexOf('{', from - 1));
  if (body.length - from > (count + 1) * FRAME_BYTES) return undefined;
  const text = body.toString('latin1', from);
  return from === 0 ? text : `{"frames":[${text}`;
}

/** Returns a listing of `/loop`; undefined if it is none. */
export function readLoop(value: unknown): LoopList | undefined {
  const { frames, bytes, maxBytes, maxFrames, revision } = asObject(value);
  if (!Array.isArray(frames)) return undefined;
  if (!isCount(bytes) || !isCount(maxBytes) || !isCount(maxFrames) || !isCount(revision)) return undefined;
  const read = frames.slice(-MOST_FRAMES).map(readFrame);
  return read.every(frame => frame !== undefined)
    ? { frames: read, bytes, maxBytes, maxFrames, revision }
    : undefined;
}

/** Returns a change of that listing; undefined if the event is none. */
export function readChange(value: unknown): LoopChange | undefined {
  const { added, removed, revision } = asObject(value);
  if (!Array.isArray(added) || !Array.isArray(removed) || !isCount(revision)) return undefined;
  if (added.length > MOST_ADDED) return undefined;
  if (!removed.every(isId)) return undefined;
  const read = added.map(each => {
    const { after } = asObject(each);
    const frame = readFrame(each);
    return frame && (after === null || isId(after)) ? { ...frame, after } : undefined;
  });
  return read.every(frame => frame !== undefined) ? { added: read, removed, revision } : undefined;
}

function readFrame(value: unknown): LoopFrame | undefined {
  const { id, seq, position, validAt, width, height, bytes } = asObject(value);
  if (!isId(id) || !isCount(seq) || !isCountOrNull(position) || !isIntegerOrNull(validAt)) return undefined;
  if (!isCount(width) || !isCount(height) || !isCount(bytes)) return undefined;
  return { id, seq, position, validAt, width, height, bytes };
}

const asObject = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};
const isId = (value: unknown): value is string => typeof value === 'string' && /^\w{1,64}$/.test(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCountOrNull = (value: unknown): value is number | null => value === null || isCount(value);
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) <= LAST_DATE_MS;
const isIntegerOrNull = (value: unknown): value is number | null =>
  value === null || Number.isSafeInteger(value);

/** Logs and pages show it. */
const sentence = (text: string): string =>
  text.slice(0, LONGEST_SENTENCE).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ');
