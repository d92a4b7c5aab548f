import { readFile } from 'node:fs/promises';
import { asError, Fault } from './errors.ts';
import type { Logger } from './log.ts';
import { type Misspelt, misspelt } from './misspelt.ts';

/**
 * Checks the names in a settings file of the pod, of which a service is given only those that it knows. Logs a warning for
 * each name that is not a setting, and for each line that systemd does not read as one.
 *
 * @throws Fault `bad-configuration` for those of redaction
 */
export async function checkSettingsFile(path: string, log: Pick<Logger, 'warn'>): Promise<void> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    const { code, message } = asError(thrown);
    if (code !== 'ENOENT')
      log.warn(`the names in ${path} are not checked, because it cannot be read: ${message}`);
    return;
  }
  const found = faultsOf(text);
  const grave = found.filter(each => each.grave).map(({ message }) => `${message}, in ${path}`);
  if (grave.length > 0) throw new Fault('bad-configuration', grave.join('; '));
  for (const { message } of found) log.warn(`${message}, in ${path}`);
}

/** Returns what is wrong with the lines of a settings file, as systemd.exec(5) has it. */
export function faultsOf(text: string): Pick<Misspelt, 'grave' | 'message'>[] {
  const faults: Pick<Misspelt, 'grave' | 'message'>[] = [];
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const [, left = line, value] = /^([^=]*)=(.*)$/.exec(line) ?? [];
    const name = left.trim();
    const grave = /REDACT|MASK/i.test(left);
    if (value === undefined || name === '' || /\s/.test(name)) {
      faults.push({ grave, message: `line ${at + 1} is not NAME=value, so it is not read` });
      continue;
    }
    // A name in quotes may have one in it.
    if (/\s#/.test(value) && !/^\s*("[^"]*"|'[^']*')\s*$/.test(value)) {
      faults.push({
        grave,
        message: `the value of ${name} has a comment in it, which needs a line of its own`,
      });
    }
    const [known] = misspelt([name]);
    if (known) faults.push(known);
  }
  return faults;
}
