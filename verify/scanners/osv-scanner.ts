import { NothingScanned, named, type Scanner, severityOfScore } from '../gate/finding.ts';

interface Report {
  results?: {
    packages: {
      package: { name: string; version: string; ecosystem: string };
      vulnerabilities?: {
        id: string;
        affected?: { package?: { name: string }; ranges?: { events: { fixed?: string }[] }[] }[];
      }[];
      groups?: { ids: string[]; aliases?: string[]; max_severity?: string }[];
    }[];
  }[];
}

/** The exit code if it found no package. 0 and 1 are a scan without and with findings. */
const NO_PACKAGES = 128;

export const osvScanner: Scanner = {
  name: 'osv-scanner',
  // It may know Debian's packages by the names of their sources only: its findings on them count, its silence does not.
  sees: ['npm'],
  online: true,
  about: [['osv-scanner', '--version']],
  readAbout: ([text = '']) => ({ version: /version:?\s*(\S+)/i.exec(text)?.[1] ?? text.trim() }),
  command(subject, { image, sbom }) {
    // Without it, an osv-scanner.toml beside the scanned file could tell it what to leave out.
    const options = ['--config', '/dev/null', '--format', 'json', '--all-packages'];
    if (subject === 'sbom') return ['osv-scanner', 'scan', 'source', ...options, '--lockfile', sbom];
    if (subject === 'lockfile' || !image.format.endsWith('-archive')) return undefined;
    return ['osv-scanner', 'scan', 'image', ...options, '--archive', image.path];
  },
  read({ code, stdout, stderr }) {
    if (code === NO_PACKAGES) throw new NothingScanned('it found no package to look at');
    if (code !== 0 && code !== 1) throw new Error(stderr.trim());
    const { results } = JSON.parse(stdout) as Report;
    if (!results) throw new Error('this is no report of osv-scanner');
    const packages = results.flatMap(result => result.packages);
    if (packages.length === 0) throw new NothingScanned('it found no package to look at');
    const count = (of: string) => packages.filter(one => one.package.ecosystem.startsWith(of)).length;
    return {
      packages: { deb: count('Debian'), npm: count('npm') },
      findings: packages.flatMap(({ package: of, vulnerabilities = [], groups = [] }) =>
        groups.map(group => ({
          ...named([...group.ids, ...(group.aliases ?? [])]),
          package: of.name,
          version: of.version,
          severity: severityOfScore(Number.parseFloat(group.max_severity ?? '')),
          fixedIn: vulnerabilities
            .filter(({ id }) => group.ids.includes(id))
            .flatMap(({ affected = [] }) => affected)
            .flatMap(({ ranges = [] }) => ranges)
            .flatMap(({ events }) => events.flatMap(({ fixed }) => fixed ?? [])),
          scanners: ['osv-scanner'],
        })),
      ),
    };
  },
};
