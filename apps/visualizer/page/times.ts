import { clipTime, NONE } from './panel/format.ts';
import { TIME_TEXT } from './text.ts';

interface Timed {
  validAt?: number | null;
  position: number | null;
}

/** Writes the times of pictures, in UTC or in the viewer's own zone. A picture without a valid time has its place in the clip. */
export class Times {
  local = false;

  /** Returns the whole valid time, e.g. `2026-03-14 18:20:31 UTC`. */
  full(picture: Timed | undefined): string {
    if (!picture) return NONE;
    const { validAt } = picture;
    if (typeof validAt !== 'number') return TIME_TEXT.inClip(clipTime(picture.position));
    const [date, time] = this.#parts(validAt);
    return `${date} ${time} ${this.#zone(validAt)}`;
  }

  /** Returns the time of day, without the zone. */
  short(picture: Timed | undefined): string {
    if (!picture) return NONE;
    return typeof picture.validAt === 'number' ? this.#parts(picture.validAt)[1] : clipTime(picture.position);
  }

  #parts(unixMs: number): [date: string, time: string] {
    const shift = this.local ? new Date(unixMs).getTimezoneOffset() * 60_000 : 0;
    const iso = new Date(unixMs - shift).toISOString();
    return [iso.slice(0, 10), iso.slice(11, 19)];
  }

  #zone(unixMs: number): string {
    if (!this.local) return 'UTC';
    const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(unixMs);
    return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  }
}
