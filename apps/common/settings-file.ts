import { readFile } from 'node:fs/promises';
import { type Entry, entriesOf } from './environment-file.ts';
import { asError, Fault } from './errors.ts';
import type { Logger } from './log.ts';
import { isOfRedaction, type Misspelt, misspelt } from './misspelt.ts';

/**
 * Checks the names in a settings file of the pod, of which a service is given only those that it knows. Logs a warning for
 * each name that is not a setting, and for each line that systemd does not read as one.
 *
 * @throws Fault `bad-configuration` for those of redaction
 */
export async function checkSettingsFile(path: string, log: Pick<Logger, 'warn'>): Promise<void> {
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (thrown) {
    const { code, message } = asError(thrown);
    if (code !== 'ENOENT')
      log.warn(`the names in ${path} are not checked, because it cannot be read: ${message}`);
    return;
  }
  const found = faultsOf(content);
  const grave = found.filter(each => each.grave).map(({ message }) => `${message}, in ${path}`);
  if (grave.length > 0) throw new Fault('bad-configuration', grave.join('; '));
  for (const { message } of found) log.warn(`${message}, in ${path}`);
}

type SettingsFault = Pick<Misspelt, 'grave' | 'message'>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** systemd takes no character that Unicode reserves for other things. */
const NO_CHARACTER = /\p{Noncharacter_Code_Point}/u;
/** In what is not read, wherever it is. */
const REDACTION = /REDACT|MASK/i;
/** In a value: a setting of redaction that a quote or a backslash has made a part of it. */
const SWALLOWED = /(REDACT|MASK)\w*[ \t]*=/i;

/** Returns what is wrong with the content of a settings file, as systemd reads it. */
export function faultsOf(content: Buffer): SettingsFault[] {
  if (content.includes(0))
    return [{ grave: true, message: 'it has a NUL byte in it, so none of it is read' }];
  // All that the grammar knows is ASCII.
  const entries = entriesOf(content.toString('latin1'));
  return entries.flatMap(entry => {
    const name = utf8(entry.name);
    const value = utf8(entry.value ?? '');
    if (entry.value !== undefined && (name === undefined || value === undefined))
      return [{ grave: true, message: `line ${entry.line} is not UTF-8, so none of the file is read` }];
    return faultsOfEntry({ ...entry, name: name ?? entry.name }, value ?? '');
  });
}

function utf8(latin1: string): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(latin1, 'latin1'),
    );
    return NO_CHARACTER.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function faultsOfEntry(entry: Entry, value: string): SettingsFault[] {
  const { name, line } = entry;
  if (entry.value === undefined || !NAME.test(name)) {
    const grave = REDACTION.test(name) || SWALLOWED.test(value) || misspelt([name]).some(each => each.grave);
    return [{ grave, message: `line ${line} is not NAME=value, so it is not read` }];
  }
  const known = misspelt([name]);
  const grave = isOfRedaction(name) || known.some(each => each.grave);
  const faults: SettingsFault[] = [...known];
  if (entry.hasComment)
    faults.push({
      grave,
      message: `the value of ${name} has a comment in it, which needs a line of its own`,
    });
  if (entry.isUnclosed)
    faults.push({
      grave: grave || REDACTION.test(value),
      message: `the quote that begins on line ${line} does not end, so all that follows is part of ${name}`,
    });
  else if (SWALLOWED.test(value))
    faults.push({
      grave: true,
      message: `the value of ${name} has a setting of redaction in it, which is not read: a quote or a backslash before it is too much`,
    });
  if (entry.isContinuedComment)
    faults.push({
      grave,
      message: `the comment before ${name} ends in a backslash, with which some versions of systemd do not read ${name}`,
    });
  return faults;
}
