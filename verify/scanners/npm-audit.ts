import { dirname } from 'node:path';
import { NothingScanned, named, type Scanner, severityOf } from '../gate/finding.ts';

interface Via {
  name: string;
  title: string;
  url: string;
  severity: string;
  range: string;
}

interface Report {
  auditReportVersion?: number;
  message?: string;
  error?: { summary?: string };
  vulnerabilities?: Record<
    string,
    { name: string; range: string; via: (string | Via)[]; fixAvailable: boolean | object }
  >;
  metadata?: { dependencies?: { prod?: number } };
}

/** Asks the registry about the lockfile. Another check compares the image with the lockfile. */
export const npmAudit: Scanner = {
  name: 'npm audit',
  sees: ['npm'],
  online: true,
  about: [['npm', '--version']],
  readAbout: ([text = '']) => ({ version: text.trim() }),
  command: (subject, { lockfile }) =>
    subject === 'lockfile'
      ? [
          'npm',
          'audit',
          '--audit=true',
          '--json',
          '--omit=dev',
          '--package-lock-only',
          '--loglevel=silent',
          `--prefix=${dirname(lockfile)}`,
        ]
      : undefined,
  read({ stdout }) {
    const report = JSON.parse(stdout) as Report;
    if (report.auditReportVersion !== 2 || !report.vulnerabilities) {
      throw new Error(report.message || report.error?.summary || 'this is no report of npm audit');
    }
    if (!report.metadata?.dependencies?.prod) throw new NothingScanned('the lockfile named no package');
    return {
      packages: { npm: report.metadata.dependencies.prod },
      findings: Object.values(report.vulnerabilities).flatMap(({ via, fixAvailable }) =>
        via
          .filter(cause => typeof cause !== 'string')
          .map(cause => ({
            ...named([cause.url.split('/').pop() || cause.title]),
            package: cause.name,
            version: cause.range,
            severity: severityOf(cause.severity),
            fixedIn: fixAvailable ? ['as npm audit fix --dry-run tells'] : [],
            scanners: ['npm audit'],
          })),
      ),
    };
  },
};
