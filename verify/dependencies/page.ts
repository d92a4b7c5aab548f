/** Writes DEPENDENCIES.md: every direct package with its reason, and every exception. */
import { directNames, type Lockfile, licenceOf, matches, type Policy, packagesOf } from './dependencies.ts';

const HEAD = [
  '| package | why | instead of | licence | last release, at the latest |',
  '|---|---|---|---|---|',
];

export function dependencyTable(lockfile: Lockfile, policy: Policy): string {
  const notes = Object.entries(policy.direct).flatMap(([name, { note }]) =>
    note ? [`- \`${name}\`: ${note}`] : [],
  );
  return [
    '# Dependencies',
    '',
    '`npm run check-dependencies -- --write` writes this page from the lockfile and from `dependencies.json`, which has the',
    'reason for every exception. A test fails if the page, the lockfile and the reasons disagree.',
    '',
    '## In the services',
    '',
    ...HEAD,
    ...rows(lockfile, policy, false),
    '',
    '## For development only',
    '',
    ...HEAD,
    ...rows(lockfile, policy, true),
    '',
    '## Worth knowing',
    '',
    ...notes,
    '',
    '## Install scripts',
    '',
    'None runs by itself (`ignore-scripts` in `.npmrc`).',
    '',
    ...reasons(policy.installScripts),
    '',
    '## In several versions',
    '',
    ...reasons(policy.duplicates),
    '',
  ].join('\n');
}

/** The rows of the packages for development, or of the others. */
function rows(lockfile: Lockfile, policy: Policy, areForDevelopment: boolean): string[] {
  const names = directNames(lockfile);
  const development = new Set(Object.keys(lockfile.packages['']?.devDependencies ?? {}));
  return Object.entries(policy.direct)
    .filter(([key]) => names.some(name => matches(key, name) && development.has(name) === areForDevelopment))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { why, insteadOf, released }]) => {
      const those = packagesOf(lockfile).filter(({ name }) => matches(key, name) && names.includes(name));
      const licences = [...new Set(those.map(one => licenceOf(one, policy)))].join(', ');
      const version = those.length === 1 ? those[0]!.version : '';
      return `| \`${key}\` ${version} | ${why} | ${insteadOf} | ${licences} | ${released} |`;
    });
}

function reasons(list: Record<string, string>): string[] {
  return Object.entries(list).map(([name, why]) => `- \`${name}\`: ${why}`);
}
