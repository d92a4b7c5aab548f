import { NothingScanned, named, type Scanner, severityOf } from '../finding.ts';

interface Report {
  matches?: {
    vulnerability: { id: string; severity?: string; fix?: { versions?: string[] | null; state?: string } };
    relatedVulnerabilities?: { id: string }[] | null;
    artifact: { name: string; version: string; purl?: string };
  }[];
  source?: { type?: string };
  distro?: { name?: string };
}

/** The only one of these that looks anything up by CPE: Node itself, what is inside it, the ffmpeg built here. */
export const grype: Scanner = {
  name: 'grype',
  sees: ['deb', 'npm', 'cpe'],
  about: [
    ['grype', 'version', '-o', 'json'],
    ['grype', 'db', 'status', '-o', 'json'],
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
    return ['grype', source, '-o', 'json', '-q'];
  },
  read({ code, stdout, stderr }) {
    if (code !== 0) throw new Error(stderr.trim());
    const report = JSON.parse(stdout) as Report;
    if (!report.matches) throw new Error('this is no report of grype');
    // It does not say how many packages it saw; an image whose distribution it did not make out had none for it.
    if (report.source?.type === 'image' && !report.distro?.name) {
      throw new NothingScanned('it did not make out the distribution');
    }
    return {
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
