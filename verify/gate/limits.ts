/** The limits in ../limits.env, which host/scan reads too. Throws if one is missing or malformed. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { Kind } from '../image/sbom.ts';
import { SEVERITIES, type Severity } from './finding.ts';

const limits = parseEnv(readFileSync(new URL('../limits.env', import.meta.url), 'utf8'));

export const MAX_DATABASE_AGE_HOURS = number('MAX_DATABASE_AGE_HOURS');
export const MAX_ARCHIVE_AGE_DAYS = number('MAX_ARCHIVE_AGE_DAYS');
export const MAX_UNPACKED_MB = number('MAX_UNPACKED_MB');
export const MAX_UNPACKED_RATIO = number('MAX_UNPACKED_RATIO');
export const MAX_FILE_MB = number('MAX_FILE_MB');
export const MAX_ENTRIES = number('MAX_ENTRIES');

/** A fixable finding of one of these severities fails. */
export const FAILING: readonly Severity[] = text('FAILING_SEVERITIES')
  .split(',')
  .map(name => {
    const severity = SEVERITIES.find(one => one === name.toLowerCase());
    if (severity === undefined) throw new Error(`limits.env: FAILING_SEVERITIES has ${name}`);
    return severity;
  });

/** The vulnerable package of each kind in canary.cdx.json, by name. */
export const CANARIES: Record<Kind, string> = {
  deb: text('CANARY_DEB'),
  npm: text('CANARY_NPM'),
  cpe: text('CANARY_CPE'),
};

const passedOn = text('PASSED_ON').split(' ');

/** Returns whether a scanner may see this variable of its own. A name may end in an asterisk. */
export function isPassedOn(name: string): boolean {
  return passedOn.some(one => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : one === name));
}

function text(name: string): string {
  const value = limits[name];
  if (!value) throw new Error(`limits.env: ${name} is missing`);
  return value;
}

function number(name: string): number {
  const value = Number(text(name));
  if (!(value > 0)) throw new Error(`limits.env: ${name} is ${text(name)}, not a number above 0`);
  return value;
}
