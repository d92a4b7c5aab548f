/**
 * Usage: trim.ts SERVICE, in /app of a build stage. Leaves in node_modules only what the service can load when it
 * runs, and in apps only its own: no package that served an installation alone, no sources of addons, no declarations, no other platform.
 */
import { existsSync, globSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Packages that others name as dependencies and that only compile or download. */
const FOR_INSTALLATION = new Set(['node-addon-api', 'prebuild-install']);

const modules = join(process.cwd(), 'node_modules');
const needed = new Set<string>();

/** Where Node would find a package from a directory. */
function locate(name: string, from: string): string | undefined {
  for (let at = from; at.startsWith(process.cwd()); at = dirname(at)) {
    const candidate = join(at, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
  }
  return undefined;
}

function need(directory: string): void {
  if (needed.has(directory)) return;
  needed.add(directory);
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const found = FOR_INSTALLATION.has(name) ? undefined : locate(name, directory);
    if (found) need(found);
  }
}

const ours = ['common', process.argv[2] ?? ''];
for (const name of readdirSync('apps')) {
  if (ours.includes(name)) need(join(process.cwd(), 'apps', name));
  else rmSync(join('apps', name), { recursive: true });
}

for (const file of globSync(`${modules}/**/package.json`)) {
  const directory = dirname(file);
  const isPackage = /\/node_modules\/(@[^/]+\/)?[^/]+$/.test(directory);
  if (isPackage && !needed.has(directory)) rmSync(directory, { recursive: true, force: true });
}
// Links to our own workspaces and to programs: nothing loads through them.
for (const name of ['@noaa-pod', '.bin', '.package-lock.json'])
  rmSync(join(modules, name), { recursive: true, force: true });
for (const name of readdirSync(modules).filter(entry => entry.startsWith('@'))) {
  if (readdirSync(join(modules, name)).length === 0) rmSync(join(modules, name), { recursive: true });
}

const unused = [
  `${modules}/**/*.{ts,mts,cts,map,md,markdown,yml,cc,h,hh,c,S,asm,gyp,gypi}`,
  `${modules}/**/{bin,test,tests,bench,benchmark,benchmarks,example,examples,doc,docs,coverage,.github}`,
  `${modules}/bintrees/dist`,
  `${modules}/cmake-ts/{lib,src}`,
  `${modules}/koffi/{vendor,lib,doc}`,
  `${modules}/@koromix/*/musl_*`,
];
for (const path of unused.flatMap(pattern => globSync(pattern))) {
  if (!/LICEN[CS]E/i.test(path)) rmSync(path, { recursive: true, force: true });
}
