/** What every scanner's output is turned into, whoever said it. */
import type { Image } from '../image/archive.ts';
import type { Kind } from '../image/sbom.ts';

/** From worst to least. What nobody has rated counts as high: a rating may come tomorrow. */
export const SEVERITIES = ['critical', 'high', 'unknown', 'medium', 'low', 'negligible'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  /** The name that it is known best by: a CVE where there is one. */
  id: string;
  aliases: string[];
  package: string;
  version: string;
  purl?: string;
  severity: Severity;
  /** Versions that are free of it; none where nobody has fixed it. */
  fixedIn: string[];
  scanners: string[];
}

/** One scan that ran to its end. */
export interface Scan {
  findings: Finding[];
  /** How many packages of each kind it looked at; undefined where the scanner does not tell. */
  packages?: Partial<Record<Kind, number>>;
  /** What a rule of somebody's made it leave out: acceptances are the gate's, so that none is without a reason and an end. */
  leftOut?: string[];
}

export type Subject = 'image' | 'sbom' | 'lockfile';

/** What a command of a scanner answered. */
export interface Output {
  /** undefined: ended by a signal or by our time limit. */
  code: number | undefined;
  stdout: string;
  stderr: string;
}

export interface Paths {
  /** `layout`: an OCI archive once more, unpacked. */
  image: Pick<Image, 'format'> & { path: string; layout?: string };
  sbom: string;
  lockfile: string;
}

/** A scanner as the gate knows it: command lines, and pure functions over what they print. */
export interface Scanner {
  name: string;
  /** What it looks components up by. */
  sees: Kind[];
  /** True where it asks a service, so that there is no database on this machine to grow old. */
  online?: boolean;
  /** Prints the version, and with `databaseBuiltAt` the age of the database. Asked after the scans, which may update it. */
  about: string[][];
  readAbout(outputs: string[]): { version: string; databaseBuiltAt?: string };
  /** The command for a subject; undefined where it can't look at one. */
  command(subject: Subject, paths: Paths): string[] | undefined;
  /** Throws where the output is none of this scanner's. */
  read(output: Output): Scan;
}

/** Thrown by `read`: the scanner has ended as it should and has seen nothing. */
export class NothingScanned extends Error {
  override name = 'NothingScanned';
}

export function severityOf(text: string | undefined): Severity {
  const word = text?.toLowerCase() ?? 'unknown';
  if (word === 'moderate') return 'medium';
  if (word === 'info' || word === 'none') return 'negligible';
  return (SEVERITIES as readonly string[]).includes(word) ? (word as Severity) : 'unknown';
}

/** The bands of CVSS 3.1, section 5. */
export function severityOfScore(score: number): Severity {
  if (Number.isNaN(score)) return 'unknown';
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'negligible';
}

/** The CVE among several names of one vulnerability, and the others. */
export function named(ids: string[]): { id: string; aliases: string[] } {
  const all = [...new Set(ids)];
  const id = all.find(name => name.startsWith('CVE-')) ?? all[0] ?? 'unnamed';
  return { id, aliases: all.filter(name => name !== id) };
}
