import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { asError, Fault } from '../common/errors.ts';

/** Gives each frame of a clip the time at which its picture was taken. */
export interface ValidTimes {
  /** Returns Unix milliseconds, or 0 if the time is not known. `index` counts the frames of a round from 0. */
  at(index: number): number;
}

/** A list of 600 times is 13 kB; this is far above any clip. */
const MAX_LIST_BYTES = 64 * 2 ** 20;

const UNKNOWN: ValidTimes = { at: () => 0 };

/** With or without a zone; without one it is UTC. Seconds and their fraction may be left out. */
const ISO_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/i;

/**
 * Reads a time as ISO 8601 has it, UTC if it names no zone, into Unix milliseconds.
 *
 * @throws Error with what would do
 */
export function isoTime(text: string): number {
  const zone = ISO_TIME.exec(text);
  const ms = zone ? Date.parse(zone[1] ? text : `${text}Z`) : Number.NaN;
  if (Number.isNaN(ms) || ms < 0) throw new Error('must be a time from 1970 on, as in 2017-10-21T18:06:17Z');
  return ms;
}

/** Returns times that are `stepSeconds` apart. */
export function evenTimes(startMs: number, stepSeconds: number): ValidTimes {
  return { at: index => Math.round(startMs + index * stepSeconds * 1000) };
}

/**
 * Reads a list of times: one ISO 8601 time a line, in the order of the frames, or `frame,time` with frames counted
 * from 0. A first line that is no time is a heading; empty lines and those that begin with # are passed over.
 *
 * @throws Error that names the line
 */
export function listedTimes(text: string): ValidTimes {
  const times = new Map<number, number>();
  let next = 0;
  const lines = text.split(/\r?\n/);
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const cells = line.split(/[,;\t]/).map(cell => cell.trim().replace(/^"(.*)"$/, '$1'));
    const [first = '', second] = cells;
    const frame = second === undefined ? next : Number(first);
    try {
      if (!Number.isSafeInteger(frame) || frame < 0) throw new Error('must begin with the number of a frame');
      times.set(frame, isoTime(second ?? first));
      next = frame + 1;
    } catch (thrown) {
      // A heading has no time in it, and no line of times before it.
      if (times.size === 0 && !/\d{4}-\d\d/.test(line)) continue;
      throw new Error(`line ${index + 1}, ${JSON.stringify(line.slice(0, 80))}, ${asError(thrown).message}`);
    }
  }
  return { at: index => times.get(index) ?? 0 };
}

/**
 * Returns the valid times of a clip: those listed beside it in `NAME.times.csv`, else those of CLIP_START and CLIP_STEP,
 * else none. NAME is the clip's name with or without its extension.
 *
 * @throws Fault `bad-clip` for a list that can't be read
 */
export async function clipTimes(
  clipPath: string,
  { startMs, stepSeconds }: { startMs: number | undefined; stepSeconds: number | undefined },
): Promise<ValidTimes> {
  const name = basename(clipPath);
  for (const stem of [name.slice(0, name.length - extname(name).length), name]) {
    const path = join(dirname(clipPath), `${stem}.times.csv`);
    const text = await readList(path);
    if (text === undefined) continue;
    try {
      return listedTimes(text);
    } catch (thrown) {
      throw new Fault('bad-clip', `the list of times ${path} is bad: ${asError(thrown).message}`);
    }
  }
  return startMs === undefined || stepSeconds === undefined ? UNKNOWN : evenTimes(startMs, stepSeconds);
}

async function readList(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MAX_LIST_BYTES) throw new Error(`it has ${size} bytes, more than any clip needs`);
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (thrown) {
    const error = asError(thrown);
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new Fault('bad-clip', `the list of times ${path} cannot be read (${error.code ?? error.message})`);
  }
}
