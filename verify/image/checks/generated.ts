/** The files that no package owns because the build makes them. Each has a check of its own, so none is a place to hide. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { cachedLibraries } from '../ld-cache.ts';
import { type Entry, resolve } from '../rootfs.ts';
import type { Fault, Subject } from './subject.ts';

interface Generated {
  pattern: RegExp;
  by: string;
  /** Returns what is wrong with it. */
  fault(path: string, entry: Entry, subject: Subject): string | undefined;
}

/** The largest, a record of dpkg, has 600 kB. */
const MAX_BYTES = 8 << 20;

const text = (entry: Entry): string => entry.read().toString('latin1');
const not = (isRight: boolean, what: string): string | undefined => (isRight ? undefined : what);

const USER =
  /^root:x:0:0:root:\/[\w/]*:\/usr\/sbin\/nologin\n(([a-z]+):x:(\d+):\3:\2:\/nonexistent:\/usr\/sbin\/nologin\n)?$/;
const GROUP = /^root:x:0:\n(([a-z]+):x:\d+:\n)?$/;
const CACHE_TAG = /^Signature: 8a477f597d28d172789f06886806bc55\n(#[^\n]*\n)*$/;
/** fontconfig's header: a magic number, a version, its size, and where the folder's name stands. */
const FONT_CACHE_MAGIC = 0xfc02fc04;

const GENERATED: Generated[] = [
  {
    pattern: /^\/etc\/passwd$/,
    by: 'root.sh: root and the one user, without a login',
    fault: (_, entry, { image }) => {
      const uid = USER.exec(text(entry))?.[3];
      const isRight = USER.test(text(entry)) && (uid === undefined || uid === image.user?.split(':')[0]);
      return not(isRight, "names others than root and the image's user, or gives them a login");
    },
  },
  {
    pattern: /^\/etc\/group$/,
    by: 'root.sh',
    fault: (_, entry) => not(GROUP.test(text(entry)), "names others than root's group and the user's"),
  },
  {
    pattern: /^\/etc\/(motd|profile)$/,
    by: 'base-files, from its own copy',
    fault: (path, entry, { rootfs }) => {
      const original = rootfs.get(`/usr/share/base-files/${posix.basename(path)}`);
      return not(original?.read().equals(entry.read()) ?? false, 'is not the copy of base-files');
    },
  },
  {
    pattern: /^\/etc\/(hosts|hostname|resolv\.conf|mtab)$/,
    by: 'the container engine: empty, to mount its own over',
    fault: (_, entry) =>
      not(entry.size === 0, 'has content, and the container engine mounts its own over it'),
  },
  { pattern: /^\/etc\/ld\.so\.cache$/, by: 'ldconfig', fault: loaderCacheFault },
  {
    pattern: /^\/var\/cache\/fontconfig\/CACHEDIR\.TAG$/,
    by: 'fc-cache',
    fault: (_, entry) => not(CACHE_TAG.test(text(entry)), 'holds more than its signature and comments'),
  },
  {
    pattern: /^\/var\/cache\/fontconfig\/[0-9a-f]{32}-\w+\.cache-\d+$/,
    by: 'fc-cache',
    fault: fontCacheFault,
  },
  {
    pattern: /^\/var\/lib\/dpkg\/arch$/,
    by: 'dpkg',
    fault: (_, entry, { image }) =>
      not(
        image.architecture === undefined || text(entry) === `${image.architecture}\n`,
        `names another architecture than ${image.architecture}`,
      ),
  },
  {
    pattern: /^\/var\/lib\/dpkg\/(status|info\/(format|[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?\.[a-z0-9]+))$/,
    by: 'dpkg: its records',
    fault: (path, _, { owners, installed }) => {
      const [, name] = /\/info\/([^/:]+?)(?::[a-z0-9]+)?\.[a-z0-9]+$/.exec(path) ?? [];
      if (name === undefined) return undefined;
      if (!installed.has(name)) return `a record of ${name}, which dpkg's status does not have as installed`;
      return not(new Set(owners.values()).has(name), `a record of ${name}, which owns no file`);
    },
  },
  {
    pattern: /^\/usr\/share\/sbom\/[^/]+\.cdx\.json$/,
    by: 'sbom.ts: its files are compared with their digests',
    fault: sbomFault,
  },
];

/** Where a build puts what no package manager knows. */
const COMPILED = /^\/usr\/local\/bin\/(node|ffmpeg|ffprobe)$|^\/app\/node_modules\/.+\.node$/;

/** What it names needs no other reason to be there, so it may name only what a build compiles or copies. */
function sbomFault(path: string, _: Entry, { rootfs, named }: Subject): string | undefined {
  const [, service = ''] = /\/noaa-([a-z]+)\.cdx\.json$/.exec(path) ?? [];
  if (rootfs.get(`/app/apps/${service}`)?.type !== 'directory') return 'is of no service in this image';
  const other = [...named.keys()].find(one => !COMPILED.test(one));
  return other && `names ${other}, which no build compiles`;
}

/** Returns what makes a file at this path in a build; undefined for any other path. */
export function generatedBy(path: string): string | undefined {
  return GENERATED.find(({ pattern }) => pattern.test(path))?.by;
}

export function generatedFaults(subject: Subject): Fault[] {
  return [...subject.rootfs].flatMap(([path, entry]) => {
    if (entry.type !== 'file' || subject.owners.has(path)) return [];
    const generated = GENERATED.find(({ pattern }) => pattern.test(path));
    if (generated && entry.size > MAX_BYTES)
      return [{ path, message: `has ${entry.size >> 20} MB (made by ${generated.by})` }];
    const message = generated?.fault(path, entry, subject);
    return message === undefined ? [] : [{ path, message: `${message} (made by ${generated?.by})` }];
  });
}

/** The cache redirects every program's libraries, so each must be a package's. */
function loaderCacheFault(_: string, entry: Entry, { rootfs, owners }: Subject): string | undefined {
  const libraries = cachedLibraries(entry.read());
  if (!libraries) return 'is not a cache of the loader';
  const stray = libraries.find(({ path }) => !owners.has(resolve(rootfs, path) ?? ''));
  if (stray) return `takes ${stray.name} from ${stray.path}, which no package brings`;
  const renamed = libraries.find(({ name, path }) => posix.basename(path) !== name);
  return renamed && `takes ${renamed.name} from ${renamed.path}`;
}

/** fontconfig names a cache after its folder. The content is an index, mapped into memory and bounded by its own size. */
function fontCacheFault(path: string, entry: Entry, { rootfs, owners }: Subject): string | undefined {
  const bytes = entry.read();
  if (bytes.length < 24 || bytes.readUInt32LE(0) !== FONT_CACHE_MAGIC) return 'is not a cache of fonts';
  if (Number(bytes.readBigInt64LE(8)) !== bytes.length) return 'has another size than its header says';
  const at = Number(bytes.readBigInt64LE(16));
  const end = bytes.indexOf(0, at);
  const folder = at > 0 && at < bytes.length && end > at ? bytes.toString('utf8', at, end) : '';
  const isOfFonts = rootfs.get(folder)?.type === 'directory' && owners.has(folder);
  const name = createHash('md5').update(folder).digest('hex');
  return not(isOfFonts && posix.basename(path).startsWith(`${name}-`), `is of the folder "${folder}"`);
}
