/**
 * Usage: trim.ts SERVICE, in /app of a build stage. Leaves in node_modules only what the service can load when it runs, and
 * in apps only its own. packages.ts has the rules.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isUnused, neededPackages } from './packages.ts';

const ours = ['common', process.argv[2] ?? ''];
for (const name of readdirSync('apps')) {
  if (!ours.includes(name)) rmSync(join('apps', name), { recursive: true });
}
const needed = neededPackages(
  ours.map(name => `apps/${name}`),
  folder => {
    const path = join(folder, 'package.json');
    if (!existsSync(path)) return undefined;
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    return Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  },
);

// Links to our own workspaces and to programs: nothing loads through them.
for (const name of ['@noaa-pod', '.bin', '.package-lock.json'])
  rmSync(join('node_modules', name), { recursive: true, force: true });
trimModules('node_modules');

function trimModules(modules: string): void {
  const names = readdirSync(modules).flatMap(entry =>
    entry.startsWith('@') ? readdirSync(join(modules, entry)).map(name => `${entry}/${name}`) : [entry],
  );
  for (const name of names) {
    const folder = join(modules, name);
    if (needed.has(folder)) trimPackage(name, folder, folder);
    else rmSync(folder, { recursive: true });
  }
  removeEmpty(modules);
}

function trimPackage(name: string, root: string, folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === 'node_modules') trimModules(path);
    else if (entry.isDirectory()) trimPackage(name, root, path);
    else if (isUnused(name, relative(root, path))) rmSync(path);
  }
  removeEmpty(folder);
}

function removeEmpty(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && readdirSync(path).length === 0) rmdirSync(path);
  }
}
