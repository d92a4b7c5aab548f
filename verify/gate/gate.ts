/** Judges one image from what was found, what was accepted and the date. Pure functions. */

import type { Violation } from '../image/completeness.ts';
import { type Component, flat, type Kind, kindOf } from '../image/sbom.ts';
import { type Acceptance, accepts, isExpired } from './acceptance.ts';
import { type Finding, type Scan, SEVERITIES, type Subject } from './finding.ts';
import { FAILING, MAX_DATABASE_AGE_HOURS } from './limits.ts';

/** Exit codes: verified, something to fix, not known because a check could not be made. 2 is a wrong command line. */
export const EXIT = { verified: 0, failed: 1, unverified: 3 } as const;
export type Outcome = keyof typeof EXIT;

export type Doubt =
  | 'missing'
  | 'crashed'
  | 'nothing scanned'
  | 'left out'
  | 'stale database'
  | 'blind'
  | 'uncovered'
  | 'not compared';

/** Why a scan, or a check, proves nothing. */
export interface Problem {
  doubt: Doubt;
  scanner: string;
  detail: string;
}

/** One run of a scanner over one subject, or why there was none. */
export interface Run {
  scanner: string;
  sees: Kind[];
  subject: Subject;
  version?: string;
  /** `online` if it asks a service; otherwise when its database was built, if known. */
  database?: 'online' | { builtAt: string } | undefined;
  result: Scan | Problem;
}

export interface Verdict {
  outcome: Outcome;
  failing: Finding[];
  unfixed: Finding[];
  minor: Finding[];
  accepted: { finding: Finding; acceptance: Acceptance }[];
  expired: Acceptance[];
  unused: Acceptance[];
  violations: Violation[];
  problems: Problem[];
  /** Components that no scanner can look up: no CPE, and no package URL that one knows. */
  unseen: string[];
}

export function judge(
  given: {
    components: Component[];
    runs: Run[];
    violations: Violation[];
    acceptances: Acceptance[];
    /** Checks besides the scans that could not be made. */
    problems?: Problem[];
  },
  now: Date,
): Verdict {
  const { components, runs, violations, acceptances } = given;
  const all = flat(components).filter(({ type }) => type !== 'operating-system' && type !== 'file');
  const problems = [...(given.problems ?? []), ...runs.flatMap(run => doubtsOf(run, all, now))];
  problems.push(...uncovered(all, runs, problems));

  const findings = merge(runs.flatMap(({ result }) => ('findings' in result ? result.findings : [])));
  const expired = acceptances.filter(acceptance => isExpired(acceptance, now));
  const valid = acceptances.filter(acceptance => !isExpired(acceptance, now));
  const accepted = findings.flatMap(finding => {
    const acceptance = valid.find(one => accepts(one, finding));
    return acceptance ? [{ finding, acceptance }] : [];
  });
  const open = findings.filter(finding => !accepted.some(one => one.finding === finding));
  const fixable = open.filter(({ fixedIn }) => fixedIn.length > 0);
  const failing = fixable.filter(({ severity }) => FAILING.includes(severity));

  let outcome: Outcome = 'verified';
  if (problems.length > 0) outcome = 'unverified';
  if (failing.length + expired.length + violations.length > 0) outcome = 'failed';
  return {
    outcome,
    failing,
    unfixed: open.filter(({ fixedIn }) => fixedIn.length === 0),
    minor: fixable.filter(finding => !failing.includes(finding)),
    accepted,
    expired,
    unused: valid.filter(one => !accepted.some(({ acceptance }) => acceptance === one)),
    violations,
    problems,
    unseen: all
      .filter(one => kindOf(one) === undefined)
      .map(({ name, version }) => `${name} ${version ?? ''}`.trim()),
  };
}

/** Returns the worst outcome of several images. Known to be bad is worse than not known. */
export function worst(outcomes: Outcome[]): Outcome {
  if (outcomes.includes('failed')) return 'failed';
  return outcomes.includes('unverified') || outcomes.length === 0 ? 'unverified' : 'verified';
}

export function ageHours(builtAt: string, now: Date): number {
  return (now.getTime() - Date.parse(builtAt)) / 3_600_000;
}

function doubtsOf(run: Run, components: Component[], now: Date): Problem[] {
  const { scanner, sees, subject, result, database } = run;
  if (!('findings' in result)) return [result];
  const doubts: Problem[] = [];
  if (result.leftOut) {
    const detail = `rules that are not ours made it leave out ${result.leftOut.join(', ')}`;
    doubts.push({ doubt: 'left out', scanner, detail });
  }
  for (const [kind, seen] of Object.entries(result.packages ?? {})) {
    const present = components.filter(component => kindOf(component) === kind).length;
    if (seen === 0 && present > 0 && sees.includes(kind as Kind)) {
      doubts.push({
        doubt: 'nothing scanned',
        scanner,
        detail: `it saw none of the ${present} ${kind} packages in the ${subject}`,
      });
    }
  }
  if (database === 'online') return doubts;
  const hours = database === undefined ? Number.NaN : ageHours(database.builtAt, now);
  if (hours < -24) {
    const detail = `its database is of ${Math.round(-hours)} hours from now, so the clock here is wrong, or that date`;
    doubts.push({ doubt: 'stale database', scanner, detail });
  } else if (!(hours <= MAX_DATABASE_AGE_HOURS)) {
    const detail = Number.isNaN(hours)
      ? 'it does not say how old its database is'
      : `its database is ${Math.round(hours)} hours old, and ${MAX_DATABASE_AGE_HOURS} is the most`;
    doubts.push({ doubt: 'stale database', scanner, detail });
  }
  return doubts;
}

/** Returns a problem for each kind of component that no sound scan looked at. */
function uncovered(components: Component[], runs: Run[], problems: Problem[]): Problem[] {
  const sound = runs.filter(
    run => 'findings' in run.result && !problems.some(one => one.scanner === run.scanner),
  );
  const kinds: Kind[] = ['deb', 'npm', 'cpe'];
  return kinds.flatMap(kind => {
    const those = components.filter(component => kindOf(component) === kind);
    if (those.length === 0 || sound.some(({ sees }) => sees.includes(kind))) return [];
    const names = those.slice(0, 4).map(({ name }) => name);
    return [
      {
        doubt: 'uncovered' as const,
        scanner: 'none',
        detail: `nobody looked up the ${those.length} components known by ${kind} (${names.join(', ')}${those.length > 4 ? ', …' : ''})`,
      },
    ];
  });
}

/** Joins findings into one entry for each vulnerability and package, with the worst of the scanners' ratings. */
export function merge(findings: Finding[]): Finding[] {
  const merged: Finding[] = [];
  for (const finding of findings) {
    const known = merged.find(one => isSame(one, finding));
    if (!known) {
      merged.push({ ...finding });
      continue;
    }
    const names = new Set([known.id, ...known.aliases, finding.id, ...finding.aliases]);
    known.aliases = [...names].filter(name => name !== known.id);
    known.severity = SEVERITIES.find(one => one === known.severity || one === finding.severity)!;
    known.fixedIn = [...new Set([...known.fixedIn, ...finding.fixedIn])];
    known.scanners = [...new Set([...known.scanners, ...finding.scanners])];
    if (isRange(known.version)) known.version = finding.version;
    const purl = known.purl ?? finding.purl;
    if (purl !== undefined) known.purl = purl;
  }
  const rank = ({ severity }: Finding) => SEVERITIES.indexOf(severity);
  return merged.sort((a, b) => rank(a) - rank(b) || (a.package < b.package ? -1 : 1));
}

function isSame(a: Finding, b: Finding): boolean {
  const names = [a.id, ...a.aliases];
  return (
    a.package === b.package &&
    (a.version === b.version || isRange(a.version) || isRange(b.version)) &&
    [b.id, ...b.aliases].some(name => names.includes(name))
  );
}

/** npm audit reports the affected range, not the installed version. */
function isRange(version: string): boolean {
  return /[<>=*|\s]/.test(version);
}
