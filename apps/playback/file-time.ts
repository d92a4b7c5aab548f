/** Reads the time of a scan out of a file's name, as satellite receivers, agencies and tools write it. */

/** The fields of a time, as text. A year of two digits is of this century. */
interface Fields {
  year: string;
  month?: string;
  day?: string;
  /** Day of the year, from 1 on, instead of month and day. */
  yearDay?: string;
  hour?: string;
  minute?: string;
  second?: string;
  /** Unix time in seconds, instead of everything else. */
  unix?: string;
}

/** Digits of a time end where other digits don't begin. */
const ALONE = { before: '(?<!\\d)', after: '(?!\\d)' };
const MONTH_DAY = '(?<month>0[1-9]|1[0-2])(?<day>0[1-9]|[12]\\d|3[01])';
const YEAR = '(?<year>(?:19|20)\\d\\d)';
const YEAR_DAY = '(?<yearDay>[0-3]\\d\\d)';
const HOUR_MINUTE = '(?<hour>[01]\\d|2[0-3])(?<minute>[0-5]\\d)';
const SECOND = '(?<second>[0-5]\\d)';

/** The built-in forms, the most specific first. */
const FORMS = [
  // GOES-R file names: start of the scan with tenths of a second, s20213001201174.
  `(?<![A-Za-z\\d])s${YEAR}${YEAR_DAY}${HOUR_MINUTE}${SECOND}\\d${ALONE.after}`,
  // 20171021T180617Z, 20171021_1806, 20171021180617, 2021-10-27_12-01-17, 2021-10-27T1201Z, 2021_10_27 12.01.17.
  `${ALONE.before}${YEAR}(?<between>[-_.]?)${MONTH_DAY.replace(')(', ')\\k<between>(')}[T _.-]?` +
    `${HOUR_MINUTE.replace(')(', ')(?<among>[-_.:]?)(')}(?:\\k<among>${SECOND})?${ALONE.after}`,
  // NOAA STAR: year, day of the year, hour and minute, 20213001201; also 2021_300_1201, 2021.300.120117.
  `${ALONE.before}${YEAR}(?<between>[-_.]?)${YEAR_DAY}\\k<between>${HOUR_MINUTE}${SECOND}?${ALONE.after}`,
].map(source => new RegExp(source));

/** What a pattern's conversions match, by the letter that strftime(3) has for them. */
const CONVERSIONS: Record<string, string> = {
  Y: '(?<year>\\d{4})',
  y: '(?<year>\\d{2})',
  m: '(?<month>\\d{2})',
  d: '(?<day>\\d{2})',
  j: '(?<yearDay>\\d{3})',
  H: '(?<hour>\\d{2})',
  M: '(?<minute>\\d{2})',
  S: '(?<second>\\d{2})',
  s: '(?<unix>\\d{1,11})',
  '%': '%',
};

/**
 * Returns the expression for a pattern in the manner of strftime(3), as in `%Y%m%d_%H%M`. It may match anywhere in a name.
 *
 * @throws Error with what would do
 */
export function timePattern(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const letter = pattern[at]!;
    if (letter !== '%') {
      source += letter.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
      continue;
    }
    at += 1;
    const conversion = CONVERSIONS[pattern[at] ?? ''];
    if (conversion === undefined) {
      const known = Object.keys(CONVERSIONS).map(name => `%${name}`);
      throw new Error(`has %${pattern[at] ?? ''}, which is none of ${known.join(' ')}`);
    }
    source += conversion;
  }
  const has = (name: string) => source.includes(`(?<${name}>`);
  const isDay = has('year') && (has('yearDay') || (has('month') && has('day')));
  if (!has('unix') && !isDay)
    throw new Error('must have a day in it: %Y%m%d, %Y%j or %s, as in %Y%m%d_%H%M%S');
  try {
    return new RegExp(source);
  } catch {
    throw new Error('must have each field once');
  }
}

/**
 * Returns the time in a file's name in Unix milliseconds, UTC; undefined if there is none.
 *
 * @param pattern the only form to look for; without one, the built-in ones
 */
export function fileTime(name: string, pattern?: RegExp): number | undefined {
  for (const form of pattern ? [pattern] : FORMS) {
    const fields = form.exec(name)?.groups as Fields | undefined;
    const ms = fields && toUnixMs(fields);
    if (ms !== undefined) return ms;
  }
  return undefined;
}

/** Undefined for a day that no calendar has. */
function toUnixMs({ year, month, day, yearDay, hour, minute, second, unix }: Fields): number | undefined {
  if (unix !== undefined) return Number(unix) * 1000;
  const fullYear = year.length === 2 ? 2000 + Number(year) : Number(year);
  const time = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)] as const;
  const [monthIndex, monthDay] =
    yearDay === undefined ? [Number(month) - 1, Number(day)] : [0, Number(yearDay)];
  const ms = Date.UTC(fullYear, monthIndex, monthDay, ...time);
  const date = new Date(ms);
  const isReal =
    date.getUTCFullYear() === fullYear &&
    (yearDay !== undefined ? Number(yearDay) >= 1 : date.getUTCMonth() === monthIndex) &&
    time[0] < 24 &&
    time[1] < 60 &&
    time[2] < 60;
  return isReal ? ms : undefined;
}
