/** Writes the report as a page, from the same facts as the JSON beside it. */

import { onOneLine } from '../image/on-one-line.ts';
import { type Component, flat, kindOf } from '../image/sbom.ts';
import type { Finding } from './finding.ts';
import { ageHours, type Outcome, type Run, type Verdict, worst } from './gate.ts';

export interface ImageReport {
  name: string;
  file: string;
  id?: string;
  digest?: string;
  createdAt?: string;
  /** When Debian's archive, as the image was made from it, was published. */
  archiveState?: string;
  /** The commit that its code is compared with. */
  revision?: string;
  sbom: string;
  components: Component[];
  runs: Run[];
  verdict: Verdict;
}

export interface Report {
  outcome: Outcome;
  at: string;
  acceptanceFile: string | undefined;
  images: ImageReport[];
}

const HEADLINES: Record<Outcome, string> = {
  verified:
    'VERIFIED: no fixable vulnerability of severity high or above is known, and nothing is without a name.',
  failed: 'FAILED: there is something to mend.',
  unverified: 'CANNOT VERIFY: a check could not be made, so nothing is claimed.',
};

/** What this report cannot show. */
const LIMITS = [
  'Known vulnerabilities only: nothing here finds what nobody has reported.',
  'Scanners trust the versions that packages state. An altered file is found by comparing it with its source; what was compiled in the build, and Debian’s files, only with digests in the image itself.',
  'Node and the ffmpeg built here are looked up by CPE, by grype alone, and CPE data lags behind Debian’s own.',
];

export function reportOf(images: ImageReport[], acceptanceFile: string | undefined, now: Date): Report {
  return {
    outcome: worst(images.map(({ verdict }) => verdict.outcome)),
    at: now.toISOString(),
    acceptanceFile,
    images,
  };
}

export function page(report: Report): string {
  const now = new Date(report.at);
  return [
    HEADLINES[report.outcome],
    `${report.at}; accepted findings: ${report.acceptanceFile ?? 'none, there is no file of them'}`,
    ...report.images.flatMap(image => ['', ...imagePage(image, now)]),
    '',
    'What this cannot tell',
    ...LIMITS.map(line => `  ${line}`),
    '',
  ]
    .map(onOneLine)
    .join('\n');
}

function imagePage(image: ImageReport, now: Date): string[] {
  const { verdict } = image;
  const all = flat(image.components);
  const count = (kind: string) => all.filter(component => kindOf(component) === kind).length;
  return [
    `${image.name}: ${verdict.outcome.toUpperCase()}`,
    `  image       ${image.id ?? 'a bare root filesystem, which has no digest'}`,
    ...(image.digest === undefined ? [] : [`  manifest    ${image.digest}`]),
    `  made        ${image.createdAt ?? 'at an unknown time'}, from Debian's archive of ${image.archiveState ?? 'an unknown day'}`,
    `  code        ${image.revision === undefined ? 'not compared with its source' : `compared with revision ${image.revision}`}`,
    `  SBOM        ${image.sbom}: ${count('deb')} of Debian, ${count('npm')} of npm, ${count('cpe')} by CPE`,
    ...(verdict.unseen.length === 0 ? [] : [`              in no database: ${verdict.unseen.join(', ')}`]),
    ...section(
      'scanners',
      image.runs.map(run => scannerLine(run, now)),
    ),
    ...section(
      'cannot verify',
      verdict.problems.map(({ scanner, doubt, detail }) => `${scanner}: ${doubt}: ${detail}`),
    ),
    ...section('must be mended', [
      ...verdict.failing.map(findingLine),
      ...verdict.violations.map(({ check, path, message }) => `${check}: ${path} ${message}`),
      ...verdict.expired.map(
        ({ vulnerabilities, until, reason }) =>
          `${vulnerabilities[0]}: its acceptance ended on ${until} (${reason})`,
      ),
    ]),
    ...section(`not fixed by anyone yet${tally(verdict.unfixed)}`, verdict.unfixed.map(findingLine)),
    ...section(`fixable, of medium severity or less${tally(verdict.minor)}`, verdict.minor.map(findingLine)),
    ...section(
      'accepted',
      verdict.accepted.map(
        ({ finding, acceptance }) =>
          `${findingLine(finding)}, until ${acceptance.until}: ${acceptance.reason}`,
      ),
    ),
    ...section(
      'accepted and not found any more: remove it',
      verdict.unused.map(
        ({ vulnerabilities, products }) => `${vulnerabilities[0]} in ${products.join(', ')}`,
      ),
    ),
  ];
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [`  ${title}`, ...lines.map(line => `    ${line}`)];
}

function tally(findings: Finding[]): string {
  const counts = Map.groupBy(findings, ({ severity }) => severity);
  const words = [...counts].map(([severity, those]) => `${those.length} ${severity}`);
  return words.length === 0 ? '' : `: ${findings.length} (${words.join(', ')})`;
}

function scannerLine({ scanner, subject, version, database, result }: Run, now: Date): string {
  if (!('findings' in result)) return `${scanner} on the ${subject}: ${result.doubt}, ${result.detail}`;
  const seen = Object.entries(result.packages ?? {}).map(([kind, number]) => `${number} ${kind}`);
  const age =
    database === 'online'
      ? 'asked online'
      : database === undefined
        ? 'database of unknown age'
        : `database of ${database.builtAt}, ${ageHours(database.builtAt, now).toFixed(1)} h old`;
  return `${scanner} ${version ?? ''} on the ${subject}: ${result.findings.length} findings${
    seen.length === 0 ? '' : ` in ${seen.join(' and ')} packages`
  }, ${age}`;
}

function findingLine({ id, severity, package: of, version, fixedIn, scanners }: Finding): string {
  const fix = fixedIn.length === 0 ? 'no fix' : `fixed in ${fixedIn.join(', ')}`;
  return `${severity.padEnd(8)} ${id} in ${of} ${version}: ${fix} (${scanners.join(', ')})`;
}
