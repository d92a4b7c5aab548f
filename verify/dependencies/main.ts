/** `npm run check-dependencies [-- --write]` checks the lockfile against dependencies.json; `--write` writes DEPENDENCIES.md. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dependencyFaults, importFaults, type Lockfile, type Policy } from './dependencies.ts';
import { dependencyTable } from './page.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = new URL('DEPENDENCIES.md', import.meta.url);

const lockfile: Lockfile = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
);
const policy: Policy = JSON.parse(readFileSync(new URL('dependencies.json', import.meta.url), 'utf8'));
// Not bench/, which calls libraries to measure them.
const sources = new Map(
  globSync('{apps,tools,verify}/**/*.ts', {
    cwd: ROOT,
    exclude: ['**/node_modules/**', '**/*.test.ts'],
  })
    .sort()
    .map(path => [path, readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')]),
);

if (process.argv.includes('--write')) writeFileSync(PAGE, dependencyTable(lockfile, policy));
const faults = [...dependencyFaults(lockfile, policy), ...importFaults(sources, policy)];
if (readFileSync(PAGE, 'utf8') !== dependencyTable(lockfile, policy)) {
  faults.push('verify/dependencies/DEPENDENCIES.md is out of date: npm run check-dependencies -- --write');
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else
  console.log(
    `${Object.keys(lockfile.packages).length} entries of the lockfile keep to verify/dependencies/dependencies.json`,
  );
