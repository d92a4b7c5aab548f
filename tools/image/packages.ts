/** What an image keeps of npm's packages. trim.ts deletes the rest by these rules, and verify/ checks an image by them. */

/** Packages that others name as dependencies and that only compile or download. */
const FOR_INSTALLATION = new Set(['node-addon-api', 'prebuild-install']);

/** What nothing loads at run time: declarations, sources of addons, tests, documents. Licences stay. */
const UNUSED_ENDINGS = /\.(ts|mts|cts|map|md|markdown|yml|cc|h|hh|c|S|asm|gyp|gypi)$/;
const UNUSED_FOLDERS = new Set(
  'bin test tests bench benchmark benchmarks example examples doc docs coverage .github'.split(' '),
);
const UNUSED_IN: Record<string, RegExp> = {
  bintrees: /^dist\//,
  canvas: /^(src|util)\//,
  'cmake-ts': /^(lib|src)\//,
  koffi: /^(vendor|lib)\//,
  zeromq: /^(src|script)\/|^(CMakeLists\.txt|vcpkg\.json)$/,
};
/** The platform's package of koffi also brings an addon for musl. */
const OF_MUSL = /^@koromix\/[^/]+ musl_/;

/** Packages whose `build/` is made from source in the image, against Debian's libraries. */
export const BUILT = new Set(['canvas', 'zeromq']);

/** Returns whether trim.ts deletes a file of a package; `path` is within the package. */
export function isUnused(name: string, path: string): boolean {
  return (
    (UNUSED_ENDINGS.test(path) && !/LICEN[CS]E/i.test(path)) ||
    path.split('/').some(part => UNUSED_FOLDERS.has(part)) ||
    (UNUSED_IN[name]?.test(path) ?? false) ||
    OF_MUSL.test(`${name} ${path}`)
  );
}

/**
 * Returns the folders of all packages that those at `starts` can load, `starts` included. `dependenciesOf` returns the names
 * that a folder's package.json lists, or undefined if the folder is no package. Paths are relative to the project.
 */
export function neededPackages(
  starts: string[],
  dependenciesOf: (folder: string) => string[] | undefined,
): Set<string> {
  const needed = new Set<string>();
  const need = (folder: string): void => {
    if (needed.has(folder)) return;
    needed.add(folder);
    for (const name of dependenciesOf(folder) ?? []) {
      const found = FOR_INSTALLATION.has(name) ? undefined : locate(name, folder, dependenciesOf);
      if (found !== undefined) need(found);
    }
  };
  for (const start of starts) need(start);
  return needed;
}

/** Where Node finds a package from a folder: in the nearest node_modules above it. */
function locate(
  name: string,
  from: string,
  dependenciesOf: (folder: string) => string[] | undefined,
): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (dependenciesOf(candidate) !== undefined) return candidate;
    if (at === '') return undefined;
  }
}
