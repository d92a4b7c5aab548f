/** The one form into which every scanner's output is read. */
import type { Image } from '../image/archive.ts';
import type { Kind } from '../image/sbom.ts';

/** From worst to least. Unrated counts as high, because a rating may come tomorrow. */
export const SEVERITIES = ['critical', 'high', 'unknown', 'medium', 'low', 'negligible'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  /** Its best-known name: the CVE if there is one. */
  id: string;
  aliases: string[];
  package: string;
  version: string;
  purl?: string;
  severity: Severity;
  /** Versions without it; empty if nobody has fixed it. */
  fixedIn: string[];
  scanners: string[];
}

/** One scan that ran to its end. */
export interface Scan {
  findings: Finding[];
  /** How many packages of each kind it looked at; undefined if the scanner does not report it. */
  packages?: Partial<Record<Kind, number>>;
  /** What other rules than ours made it leave out. Only the gate accepts findings, each with a reason and an end. */
  leftOut?: string[];
}

export type Subject = 'image' | 'sbom' | 'lockfile';

/** The output of a scanner's command. */
export interface Output {
  /** undefined if a signal or our time limit ended it. */
  code: number | undefined;
  stdout: string;
  stderr: string;
}

export interface Paths {
  /** `layout` is the OCI archive unpacked into a folder. */
  image: Pick<Image, 'format'> & { path: string; layout?: string };
  sbom: string;
  lockfile: string;
}

/** A scanner as the gate knows it: command lines, and pure functions over what they print. */
export interface Scanner {
  name: string;
  /** The kinds of component that it can look up. */
  sees: Kind[];
  /** True if it asks a service, so that no database on this machine can be stale. */
  online?: boolean;
  /** Commands that print the version and the age of the database. Run after the scans, which may update it. */
  about: string[][];
  readAbout(outputs: string[]): { version: string; databaseBuiltAt?: string };
  /** Returns the command for a subject; undefined if the scanner cannot scan it. */
  command(subject: Subject, paths: Paths): string[] | undefined;
  /** Throws if this is not the scanner's output. */
  read(output: Output): Scan;
}

/** Thrown by `read` if the scanner succeeded and looked at nothing. */
export class NothingScanned extends Error {
  override name = 'NothingScanned';
}

export function severityOf(text: string | undefined): Severity {
  const word = text?.toLowerCase() ?? 'unknown';
  if (word === 'moderate') return 'medium';
  if (word === 'info' || word === 'none') return 'negligible';
  return (SEVERITIES as readonly string[]).includes(word) ? (word as Severity) : 'unknown';
}

/** Returns the severity for a CVSS score, by the bands of CVSS 3.1, section 5. */
export function severityOfScore(score: number): Severity {
  if (Number.isNaN(score)) return 'unknown';
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'negligible';
}

/** Splits the names of one vulnerability into its CVE and the others. */
export function named(ids: string[]): { id: string; aliases: string[] } {
  const all = [...new Set(ids)];
  const id = all.find(name => name.startsWith('CVE-')) ?? all[0] ?? 'unnamed';
  return { id, aliases: all.filter(name => name !== id) };
}
