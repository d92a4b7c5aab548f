import type { Shown } from '../session.ts';

/** Shown where there is no number. */
export const NONE = '–';

/** Returns a position in a clip as mm:ss.mmm; minutes go on beyond 59. */
export function clipTime(positionUs: number | null): string {
  if (positionUs === null) return NONE;
  const ms = Math.floor(positionUs / 1000);
  const minutes = Math.floor(ms / 60_000);
  const seconds = Math.floor(ms / 1000) % 60;
  return `${pad(minutes, 2)}:${pad(seconds, 2)}.${pad(ms % 1000, 3)}`;
}

/** Returns a length of time in its two largest units, e.g. `1 h 4 min`. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Returns the time of day of a Unix time, in UTC. */
export function utcTime(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(11, 19);
}

/** Returns the name of a saved file: it sorts by time and is valid on every file system. */
export function fileName(picture: Pick<Shown, 'seq' | 'validAt' | 'publishedAt'>, type: string): string {
  const unixMs = picture.validAt ?? picture.publishedAt;
  const time = unixMs === undefined ? '' : `${compactTime(unixMs)}_`;
  return `noaa_${time}frame-${picture.seq}.${type}`;
}

function compactTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replaceAll(/[-:]/g, '').replace('.', '-');
}

/** Returns a number as text, or a dash if there is none. */
export function number(value: number | null | undefined, digits = 0): string {
  return value === null || value === undefined ? NONE : value.toFixed(digits);
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
