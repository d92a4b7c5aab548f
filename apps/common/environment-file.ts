/** One assignment in a file of settings, or one line that is none. */
export interface Entry {
  /** Where it begins, from 1. */
  line: number;
  name: string;
  /** Undefined where there is no equals sign: systemd ignores such a line. */
  value: string | undefined;
  /** ` #` is in the value outside of quotes, which does not begin a comment there. */
  hasComment: boolean;
  /** The quote in it does not end. */
  isUnclosed: boolean;
  /** It follows a comment that ends in a backslash, with which systemd before 254 ignores it. */
  isContinuedComment: boolean;
}

const isBlank = (c: string) => c === ' ' || c === '\t' || c === '\r';
const isLineEnd = (c: string) => c === '\n' || c === '\r';
const trimmed = (text: string) => text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');

/**
 * Returns what a file assigns, as systemd reads an `EnvironmentFile=` (`parse_env_file_internal` in its source). `grammar` in
 * quadlet/noaa does the same, and a test compares both with systemd's own answers.
 */
export function entriesOf(text: string): Entry[] {
  const entries: Entry[] = [];
  let state: 'before' | 'comment' | 'name' | 'start' | 'value' | "'" | '"' = 'before';
  let line = 1;
  let start = 1;
  let isContinued = false;
  let isContinuedComment = false;
  let hasComment = false;
  let name = '';
  let value = '';
  /** How much of the value stays if only blanks follow. */
  let kept = 0;
  const push = (given: string | undefined) => {
    entries.push({
      line: start,
      name: trimmed(name),
      value: given,
      hasComment,
      isUnclosed: state === "'" || state === '"',
      isContinuedComment,
    });
    state = 'before';
    hasComment = false;
  };

  for (let at = 0; at < text.length; at += 1) {
    const c = text[at]!;
    switch (state) {
      case 'before':
        if (c === '#' || c === ';') state = 'comment';
        else if (c === '\n') isContinued = false;
        else if (!isBlank(c)) {
          [state, name, start, isContinuedComment, isContinued] = ['name', c, line, isContinued, false];
        }
        break;
      case 'comment':
        if (isLineEnd(c)) [state, isContinued] = ['before', false];
        else if (c === '\\' && text[at + 1] === '\n') {
          [state, isContinued] = ['before', true];
          at += 1;
          line += 1;
        } else if (c === '\\' && text[at + 1] !== '\r') at += 1;
        break;
      case 'name':
        if (isLineEnd(c)) push(undefined);
        else if (c === '=') [state, value, kept] = ['start', '', 0];
        else name += c;
        break;
      case "'":
        if (c === "'") [state, kept] = ['start', value.length];
        else value += c;
        break;
      case '"':
        if (c === '"') [state, kept] = ['start', value.length];
        else if (c === '\\') {
          at += 1;
          const escaped = text[at] ?? '';
          if (escaped === '\n') line += 1;
          else value += `${'"\\`$'.includes(escaped) ? '' : '\\'}${escaped}`;
        } else value += c;
        break;
      default:
        if (isLineEnd(c)) push(value.slice(0, kept));
        else if (state === 'start' && (c === '"' || c === "'")) state = c;
        else if (c === '\\') {
          at += 1;
          const escaped = text[at] ?? '';
          if (escaped === '\n') line += 1;
          else if (escaped !== '\r') value += escaped;
          [state, kept] = ['value', value.length];
        } else if (state === 'value' || !isBlank(c)) {
          if (c === '#' && isBlank(text[at - 1] ?? '')) hasComment = true;
          state = 'value';
          value += c;
          if (!isBlank(c)) kept = value.length;
        }
    }
    if (c === '\n') line += 1;
  }
  if (state === 'name') push(undefined);
  else if (state === "'" || state === '"') push(value);
  else if (state === 'start' || state === 'value') push(value.slice(0, kept));
  return entries;
}
