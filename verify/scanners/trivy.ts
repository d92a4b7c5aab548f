import { NothingScanned, named, type Scanner, severityOf } from '../gate/finding.ts';

interface Report {
  SchemaVersion?: number;
  Results?: {
    Class?: string;
    Packages?: unknown[];
    Vulnerabilities?: {
      VulnerabilityID: string;
      VendorIDs?: string[];
      PkgName: string;
      InstalledVersion: string;
      FixedVersion?: string;
      Severity?: string;
      PkgIdentifier?: { PURL?: string };
    }[];
  }[];
}

export const trivy: Scanner = {
  name: 'trivy',
  sees: ['deb', 'npm'],
  about: [['trivy', 'version', '--format', 'json']],
  readAbout([text = '']) {
    const about = JSON.parse(text) as { Version: string; VulnerabilityDB?: { UpdatedAt?: string } };
    const builtAt = about.VulnerabilityDB?.UpdatedAt;
    return { version: about.Version, ...(builtAt !== undefined && { databaseBuiltAt: builtAt }) };
  },
  command(subject, { image, sbom }) {
    const options = [
      '--format',
      'json',
      '--list-all-pkgs',
      '--scanners',
      'vuln',
      '--quiet',
      '--exit-code',
      '0',
      // Without these it reads trivy.yaml and .trivyignore in its working directory.
      '--config',
      '/dev/null',
      '--ignorefile',
      '/dev/null',
    ];
    if (subject === 'sbom') return ['trivy', 'sbom', ...options, sbom];
    // It does not read the tar of a bare root filesystem, but the SBOM of one.
    if (subject === 'lockfile' || image.format === 'rootfs-tar') return undefined;
    return image.format === 'directory'
      ? ['trivy', 'rootfs', ...options, image.path]
      : // It reads a docker-archive as a file, and an OCI archive only as an unpacked folder.
        ['trivy', 'image', ...options, '--input', image.layout ?? image.path];
  },
  read({ code, stdout, stderr }) {
    if (code !== 0) throw new Error(stderr.trim());
    const report = JSON.parse(stdout) as Report;
    if (report.SchemaVersion === undefined) throw new Error('this is no report of trivy');
    const results = report.Results ?? [];
    const count = (of: string) =>
      results.reduce((sum, { Class, Packages }) => sum + (Class === of ? (Packages?.length ?? 0) : 0), 0);
    const packages = { deb: count('os-pkgs'), npm: count('lang-pkgs') };
    if (packages.deb + packages.npm === 0) throw new NothingScanned('it found no package to look at');
    return {
      packages,
      findings: results
        .flatMap(result => result.Vulnerabilities ?? [])
        .map(one => ({
          ...named([one.VulnerabilityID, ...(one.VendorIDs ?? [])]),
          package: one.PkgName,
          version: one.InstalledVersion,
          ...(one.PkgIdentifier?.PURL !== undefined && { purl: one.PkgIdentifier.PURL }),
          severity: severityOf(one.Severity),
          fixedIn: (one.FixedVersion ?? '').split(/,\s*/).filter(version => version !== ''),
          scanners: ['trivy'],
        })),
    };
  },
};
