/** What an image may hold, checked on its files as they lie in a folder. */
import { closeSync, existsSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The few programs that an image is for. */
const PROGRAMS = ['/usr/local/bin/node', '/usr/local/bin/ffmpeg', '/usr/local/bin/ffprobe'];
/** Where a loader looks for programs, and where libraries may be executable without being programs. */
const LIBRARY = /\.(so(\.[\d.]+)?|node)$|\/ld-linux[^/]*$/;
const TOOLS =
  /^(sh|bash|dash|busybox|perl|python[\d.]*|m?awk|apt.*|dpkg.*|npm|npx|corepack|yarn|gcc.*|g\+\+.*|cc|ld|make|curl|wget|su|sudo|mount)$/;
const SECRET =
  /^(\.npmrc|\.netrc|\.env|id_(rsa|ed25519|ecdsa)|.*\.(crt|pem|key|p12))$|^\.(npm|ssh|aws|docker)$/;

export interface Entry {
  /** As seen inside the image. */
  path: string;
  mode: number;
  uid: number;
  gid: number;
  kind: 'file' | 'directory' | 'link' | 'special';
}

export function listFiles(root: string, at = '/'): Entry[] {
  return readdirSync(join(root, at)).flatMap(name => {
    const path = join(at, name);
    const stats = lstatSync(join(root, path));
    const kind = stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'link'
        : stats.isFile()
          ? 'file'
          : 'special';
    const entry: Entry = { path, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid, kind };
    return kind === 'directory' ? [entry, ...listFiles(root, path)] : [entry];
  });
}

export function isElf(path: string): boolean {
  const file = openSync(path, 'r');
  const magic = Buffer.alloc(4);
  readSync(file, magic, 0, 4, 0);
  closeSync(file);
  return magic.equals(Buffer.from('\x7fELF', 'latin1'));
}

/** Debian's merged /usr: a package may still call a file by its old place. */
const merged = (path: string) => path.replace(/^\/(bin|sbin|lib|lib64)\//, '/usr/$1/');

/** Every path that a package of dpkg owns. */
export function ownedByDpkg(root: string): Set<string> {
  const info = join(root, 'var/lib/dpkg/info');
  const lists = existsSync(info) ? readdirSync(info).filter(name => name.endsWith('.list')) : [];
  return new Set(
    lists.flatMap(name => readFileSync(join(info, name), 'utf8').trim().split('\n').map(merged)),
  );
}

/** The paths that the image's own SBOM names, with what it says of each. */
export function namedInSbom(root: string): Map<string, { name: string; version: string }> {
  const folder = join(root, 'usr/share/sbom');
  const named = new Map<string, { name: string; version: string }>();
  for (const file of existsSync(folder) ? readdirSync(folder) : []) {
    for (const component of JSON.parse(readFileSync(join(folder, file), 'utf8')).components) {
      for (const { location } of component.evidence?.occurrences ?? []) named.set(location, component);
    }
  }
  return named;
}

/** What is wrong with an image's files, a sentence each. */
export function faultsOf(root: string): string[] {
  const faults: string[] = [];
  const owned = ownedByDpkg(root);
  const named = namedInSbom(root);
  for (const { path, mode, uid, gid, kind } of listFiles(root)) {
    if (uid !== 0 || gid !== 0) faults.push(`${path} belongs to ${uid}:${gid}, not to root`);
    if (kind === 'link') continue;
    if (kind === 'special') faults.push(`${path} is a device, a pipe or a socket`);
    if (mode & 0o6000) faults.push(`${path} is setuid or setgid`);
    if (mode & 0o002 && !(mode & 0o1000)) faults.push(`anyone may write to ${path}`);
    const name = basename(path);
    if (SECRET.test(name)) faults.push(`${path} looks like a secret or a site's own setting`);
    if (kind !== 'file') continue;
    if (TOOLS.test(name) && mode & 0o111) faults.push(`${path} is a tool that nothing here needs`);
    if (mode & 0o111 && /\/s?bin\//.test(path) && !PROGRAMS.includes(path))
      faults.push(`${path} is a program too many`);
    if (!isElf(join(root, path))) continue;
    if (!PROGRAMS.includes(path) && !LIBRARY.test(path) && !/\/lib\/|\/libexec\//.test(path)) {
      faults.push(`${path} is a program outside any bin`);
    }
    if (!owned.has(path) && !named.has(path)) faults.push(`${path} is neither dpkg's nor in the SBOM`);
    if (path.includes('/node_modules/') && !named.has(path))
      faults.push(`${path} is an addon that the SBOM does not name`);
  }
  return faults;
}
