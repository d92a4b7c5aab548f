import { fileURLToPath } from 'node:url';
import { NothingScanned, named, type Scanner, severityOf } from '../gate/finding.ts';

interface Report {
  matches?: {
    vulnerability: { id: string; severity?: string; fix?: { versions?: string[] | null; state?: string } };
    relatedVulnerabilities?: { id: string }[] | null;
    artifact: { name: string; version: string; purl?: string };
  }[];
  source?: { type?: string };
  distro?: { name?: string };
  ignoredMatches?: { appliedIgnoreRules?: Rule[] | null }[];
  descriptor?: { configuration?: { ignore?: Rule[] | null; exclude?: string[] | null } };
}

/** Leaves out every match that has all the properties it names. */
interface Rule {
  vulnerability?: string;
  package?: { name?: string };
  'match-type'?: string;
}

/** Without it Grype reads its settings from the user's home, also rules on what to leave out. */
const CONFIGURATION = fileURLToPath(new URL('grype.yaml', import.meta.url));

/** The only scanner here that looks up CPEs: of Node, the libraries in it, and the ffmpeg built here. */
export const grype: Scanner = {
  name: 'grype',
  sees: ['deb', 'npm', 'cpe'],
  about: [
    ['grype', 'version', '-o', 'json'],
    ['grype', 'db', 'status', '-o', 'json', '--config', CONFIGURATION],
  ],
  readAbout([version = '', database = '']) {
    const { built, valid } = JSON.parse(database) as { built?: string; valid?: boolean };
    return {
      version: (JSON.parse(version) as { version: string }).version,
      ...(built !== undefined && valid !== false && { databaseBuiltAt: built }),
    };
  },
  command(subject, { image, sbom }) {
    if (subject === 'lockfile' || (subject === 'image' && image.format === 'rootfs-tar')) return undefined;
    const format = image.format === 'directory' ? 'dir' : image.format;
    const source = subject === 'sbom' ? `sbom:${sbom}` : `${format}:${image.path}`;
    return ['grype', source, '-o', 'json', '-q', '--config', CONFIGURATION];
  },
  read({ code, stdout, stderr }) {
    if (code !== 0) throw new Error(stderr.trim());
    const report = JSON.parse(stdout) as Report;
    if (!report.matches) throw new Error('this is no report of grype');
    // It does not report how many packages it saw. Without a distribution it saw none.
    if (report.source?.type === 'image' && !report.distro?.name) {
      throw new NothingScanned('it did not make out the distribution');
    }
    const leftOut = leftOutOf(report);
    return {
      ...(leftOut.length > 0 && { leftOut }),
      findings: report.matches.map(({ vulnerability, relatedVulnerabilities, artifact }) => ({
        ...named([vulnerability.id, ...(relatedVulnerabilities ?? []).map(({ id }) => id)]),
        package: artifact.name,
        version: artifact.version,
        ...(artifact.purl && { purl: artifact.purl }),
        severity: severityOf(vulnerability.severity),
        fixedIn: vulnerability.fix?.versions ?? [],
        scanners: ['grype'],
      })),
    };
  },
};

/** Returns what it was told to leave out: the rules in force, or, in a report without them, the rules applied. */
function leftOutOf({ ignoredMatches = [], descriptor }: Report): string[] {
  const configuration = descriptor?.configuration;
  const rules = configuration
    ? (configuration.ignore ?? [])
    : ignoredMatches.flatMap(({ appliedIgnoreRules }) => appliedIgnoreRules ?? []);
  return [
    ...rules
      // Grype's own, on packages of kernel headers.
      .filter(rule => rule['match-type'] !== 'exact-indirect-match')
      .map(rule => rule.vulnerability || rule.package?.name || JSON.stringify(rule)),
    ...(configuration?.exclude ?? []),
  ];
}
