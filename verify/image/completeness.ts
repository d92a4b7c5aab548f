/**
 * What must hold in an image before a scanner's silence means anything: that nothing in it is without a name, and that
 * nothing is in it which has no business there. Each check is a pure function of the image's files.
 */
import { posix } from 'node:path';
import { MAX_ARCHIVE_AGE_DAYS } from '../gate/limits.ts';
import { buildDate, type Image } from './archive.ts';
import { ownedPaths, recordedSums } from './dpkg.ts';
import { type Elf, isElf, isForeignBinary, readElf } from './elf.ts';
import { npmPackages } from './npm.ts';
import { digestOf, type Entry, type Rootfs, resolve } from './rootfs.ts';
import { archiveState, namedFiles, sha256Of } from './sbom.ts';

export interface Violation {
  check: keyof typeof CHECKS;
  path: string;
  message: string;
}

interface Subject {
  image: Image;
  rootfs: Rootfs;
  owners: Map<string, string>;
  named: Map<string, string>;
  elves: Map<string, Elf>;
  /** `name@version` of what the lockfile allows; undefined where there is none to compare with. */
  locked: Set<string> | undefined;
  /** The day that the image is judged on. */
  now: Date;
}

type Fault = Omit<Violation, 'check'>;

const MACHINES: Record<string, string> = { amd64: 'x86-64', arm64: 'aarch64' };
const LIBRARY_FOLDERS = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib'];
const TRIPLETS: Record<string, string> = { 'x86-64': 'x86_64-linux-gnu', aarch64: 'aarch64-linux-gnu' };

/** Programs that an intruder would like to find, and that nothing of ours starts. */
const SHELLS = /^(ba|da|a|z|k|mk|c|tc|fi|rba|po)?sh$|^(busybox|toybox)(\.static)?$|^sh\./;
const TOOLS =
  /^(apt(-get|-key|-config)?|aptitude|dpkg(-deb|-query)?|rpm|yum|dnf|microdnf|apk|pacman|npm|npx|yarn|pnpm|corepack|pip3?|gem|perl[\d.]*|python[\d.]*|ruby|lua[\d.]*|[mg]?awk|gcc|g\+\+|cc|c\+\+|clang|make|ld|as|curl|wget|nc|ncat|netcat|socat|ssh|scp|git|sudo|su|gdb|strace)$/;
const TOOL_FOLDERS = /\/node_modules\/(npm|yarn|pnpm|corepack|node-gyp)\/package\.json$/;

const SECRET_NAMES =
  /(^|\/)(\.npmrc|\.netrc|\.git-credentials|\.pypirc|\.env(\.[\w-]+)?|\.dockercfg|id_(rsa|dsa|ecdsa|ed25519)|.*\.(key|p12|pfx|jks|keystore|ppk)|credentials|auth\.json|kubeconfig|shadow-?|site-ca\.crt)$/;
const SECRET_FOLDERS = /\/(\.ssh|\.aws|\.gnupg|\.docker|\.git|\.kube)\//;
const SECRET_TEXT =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|_authToken\s*=\s*\S|_password\s*=\s*\S|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{60,}|\bnpm_[A-Za-z0-9]{36}\b|\bxox[abprs]-[\w-]{20,}|https?:\/\/[^/\s:@]+:[^/\s:@]+@/;
/** Keys and tokens are small; what is larger, or binary, is not read for them. */
const SECRET_TEXT_BYTES = 512 << 10;

/** Where a build leaves things by mistake. */
const LEFTOVERS =
  /^\/(tmp|run|root|home|var\/tmp|var\/log|var\/cache\/(apt|debconf)|var\/lib\/apt|build|usr\/src|usr\/include|boot)\/./;

/** Files that no package owns and that the build makes, each with its reason. */
const GENERATED: [RegExp, string][] = [
  [/^\/etc\/(passwd|group)$/, 'the one user'],
  [/^\/etc\/ld\.so\.cache$/, 'ldconfig'],
  [/^\/etc\/(hosts|hostname|resolv\.conf|mtab)$/, 'mount points of the container engine'],
  [
    /^\/etc\/(nsswitch\.conf|host\.conf|environment|shells|timezone|localtime|profile)$/,
    'base-files makes it when it is configured',
  ],
  [/^\/etc\/ssl\/certs\//, 'ca-certificates makes it'],
  [/^\/etc\/fonts\/conf\.d\//, 'fontconfig-config makes it'],
  [/^\/etc\/(motd|issue|issue\.net|debian_version|dpkg\/origins\/.*)$/, 'base-files'],
  [/^\/var\/cache\/fontconfig\//, 'fc-cache: the index of the fonts'],
  [
    /^\/usr\/(lib\/.*\/gdk-pixbuf-.*\/loaders\.cache|share\/mime\/.*|share\/glib-2\.0\/schemas\/gschemas\.compiled)$/,
    'an index that a package makes when it is configured',
  ],
  [/^\/usr\/lib\/.*\/gconv\/gconv-modules\.cache$/, 'iconvconfig'],
  [/^\/var\/lib\/dpkg\//, "dpkg's own records"],
  [/^\/var\/lib\/(ucf|fontconfig|xml-core|sgml-base|shells\.state|systemd|pam)(\/|$)/, 'records of packages'],
  [/^\/usr\/share\/sbom\/[^/]+\.cdx\.json$/, 'what the image says of itself'],
  [/^\/app\/(apps|data)\//, 'our own code and the clip'],
  [/^\/app\/(package\.json|LICENSE)$/, 'our own code'],
];

const isGenerated = (path: string): boolean => GENERATED.some(([pattern]) => pattern.test(path));
const files = (rootfs: Rootfs): [string, Entry][] => [...rootfs].filter(([, { type }]) => type === 'file');

/** Each with what it asks; a violation carries the name of its check. */
const CHECKS = {
  'elf-unnamed': ({ rootfs, elves, owners, named }: Subject): Fault[] =>
    [...elves.keys()]
      .filter(path => !owners.has(path))
      .flatMap(path => {
        const expected = named.get(path);
        if (expected === undefined) {
          return [{ path, message: 'no package of Debian owns this program, and the SBOM does not name it' }];
        }
        const found = sha256Of(rootfs, path);
        return found === expected
          ? []
          : [{ path, message: `the SBOM names it with the SHA-256 ${expected}, and it has ${found}` }];
      }),

  'sbom-file-missing': ({ rootfs, named }: Subject): Fault[] =>
    [...named]
      .filter(([path, sum]) => sha256Of(rootfs, path) !== sum)
      .map(([path]) => ({ path, message: 'the SBOM names a file that is not there as it says' })),

  'foreign-platform': ({ image, rootfs, elves }: Subject): Fault[] => {
    const expected =
      MACHINES[image.architecture ?? ''] ?? mostCommon([...elves.values()].map(elf => elf.machine));
    const wrong = [...elves].flatMap(([path, elf]) => {
      const musl = [elf.interpreter ?? '', ...elf.needed].some(name => /\bld-musl-|^libc\.musl-/.test(name));
      const platform = musl ? 'musl' : `${elf.machine}, ${elf.bits} bits`;
      return musl || elf.machine !== expected || elf.bits !== 64
        ? [{ path, message: `built for another platform: ${platform}` }]
        : [];
    });
    const foreign = files(rootfs)
      .filter(([path, entry]) => !elves.has(path) && entry.size > 64 && isForeignBinary(entry.read()))
      .map(([path]) => ({ path, message: 'a program of Windows or macOS' }));
    return [...wrong, ...foreign];
  },

  'library-in-node-modules': ({ rootfs, elves, owners, named }: Subject): Fault[] => {
    const bundled = files(rootfs)
      .filter(([path]) => /\/node_modules\/.*\.(so(\.[\d.]+)?|dylib|dll|a)$/.test(path))
      .map(([path]) => ({ path, message: 'a library that npm brought' }));
    const resolved = [...elves].flatMap(([path, elf]) =>
      elf.needed.flatMap(library => {
        const found = locate(rootfs, path, elf, library);
        if (found === undefined) return [{ path, message: `needs ${library}, which is not in the image` }];
        if (found.includes('/node_modules/')) return [{ path, message: `finds ${library} at ${found}` }];
        if (!owners.has(found) && !named.has(found)) {
          return [{ path, message: `finds ${library} at ${found}, which neither dpkg nor the SBOM names` }];
        }
        return [];
      }),
    );
    return [...bundled, ...resolved];
  },

  changed: ({ rootfs }: Subject): Fault[] =>
    [...recordedSums(rootfs)].flatMap(([path, sum]) => {
      const entry = rootfs.get(path);
      // What a build leaves out, such as documentation, harms nobody; what it alters is not the package's any more.
      if (entry?.type !== 'file') return [];
      const found = digestOf(entry, 'md5');
      return found === sum
        ? []
        : [{ path, message: `is not what its package installed (md5 ${found}, not ${sum})` }];
    }),

  unexplained: ({ rootfs, owners, named }: Subject): Fault[] => {
    const packages = npmPackages(rootfs).map(({ path }) => `${path}/`);
    return [...rootfs]
      .filter(([, { type }]) => type === 'file' || type === 'other')
      .filter(([path]) => !owners.has(path) && !named.has(path))
      .filter(([path]) => !packages.some(folder => path.startsWith(folder)))
      .filter(([path]) => !isGenerated(path))
      .map(([path]) => ({ path, message: 'nothing says where this comes from' }));
  },

  'not-in-lockfile': ({ rootfs, locked }: Subject): Fault[] =>
    npmPackages(rootfs)
      .filter(({ name, version }) => locked !== undefined && !locked.has(`${name}@${version}`))
      .map(({ path, name, version }) => ({
        path,
        message: `${name} ${version} is not in package-lock.json`,
      })),

  setuid: ({ rootfs }: Subject): Fault[] =>
    files(rootfs)
      .filter(([, { mode, hasCapabilities }]) => (mode & 0o6000) !== 0 || hasCapabilities)
      .map(([path, { mode, hasCapabilities }]) => ({
        path,
        message: hasCapabilities
          ? 'has file capabilities'
          : `runs with its owner's rights (mode ${mode.toString(8)})`,
      })),

  'world-writable': ({ rootfs }: Subject): Fault[] =>
    [...rootfs]
      .filter(([, { type, mode }]) => type !== 'symlink' && (mode & 0o002) !== 0)
      // A folder like /tmp, where each may remove only what is its own.
      .filter(([, { type, mode }]) => !(type === 'directory' && (mode & 0o1000) !== 0))
      .map(([path, { mode }]) => ({ path, message: `anyone may write to it (mode ${mode.toString(8)})` })),

  'not-root-owned': ({ rootfs }: Subject): Fault[] =>
    [...rootfs]
      .filter(([, { type, uid = 0, gid = 0 }]) => type !== 'symlink' && (uid !== 0 || gid !== 0))
      .map(([path, { uid, gid }]) => ({ path, message: `belongs to ${uid}:${gid}, who could change it` })),

  'runs-as-root': ({ image }: Subject): Fault[] =>
    image.id === undefined || /^[1-9]\d*(:\d+)?$/.test(image.user ?? '')
      ? []
      : [{ path: '/', message: `the image's user is "${image.user ?? ''}", not a number above 0` }],

  undated: ({ image }: Subject): Fault[] =>
    image.id === undefined || buildDate(image.labels) !== undefined
      ? []
      : [{ path: '/', message: 'no label org.opencontainers.image.created says when it was built' }],

  secret: ({ rootfs }: Subject): Fault[] =>
    files(rootfs).flatMap(([path, entry]) => {
      if (SECRET_NAMES.test(path) || SECRET_FOLDERS.test(path)) {
        return [{ path, message: 'has the name of a file that holds secrets' }];
      }
      if (entry.size > SECRET_TEXT_BYTES) return [];
      const bytes = entry.read();
      if (bytes.includes(0)) return [];
      const found = SECRET_TEXT.exec(bytes.toString('latin1'));
      return found ? [{ path, message: `holds what looks like a secret: ${found[0].slice(0, 12)}…` }] : [];
    }),

  leftover: ({ rootfs }: Subject): Fault[] =>
    files(rootfs)
      .filter(([path]) => LEFTOVERS.test(path) && !isGenerated(path))
      .map(([path]) => ({ path, message: 'was left over by the build' })),

  'program-unasked': ({ rootfs, named }: Subject): Fault[] =>
    files(rootfs)
      .filter(([path, { mode }]) => /\/s?bin\//.test(path) && (mode & 0o111) !== 0 && !named.has(path))
      .map(([path]) => ({ path, message: 'a program that this image is not for' })),

  shell: ({ rootfs }: Subject): Fault[] => programs(rootfs, SHELLS, 'a shell'),

  tool: ({ rootfs }: Subject): Fault[] => [
    ...programs(rootfs, TOOLS, 'a package manager, interpreter, compiler or downloader'),
    ...[...rootfs.keys()]
      .filter(path => TOOL_FOLDERS.test(path))
      .map(path => ({ path, message: 'a package manager, or what builds addons' })),
  ],

  'rebuild-due': ({ rootfs, now }: Subject): Fault[] => {
    const path = '/usr/share/sbom';
    const state = archiveState(rootfs);
    if (state === undefined)
      return [{ path, message: "nothing says which state of Debian's archive this is made from" }];
    const days = Math.floor((now.getTime() - state.getTime()) / 86_400_000);
    return days <= MAX_ARCHIVE_AGE_DAYS
      ? []
      : [
          {
            path,
            message: `made from Debian's archive of ${days} days ago; rebuild it (${MAX_ARCHIVE_AGE_DAYS} is the most)`,
          },
        ];
  },
};

/** @param locked what the lockfile allows, where there is one; @param now the day that the image is judged on */
export function violationsOf(image: Image, locked: Set<string> | undefined, now: Date): Violation[] {
  const { rootfs } = image;
  const { elves, broken } = elvesOf(rootfs);
  const subject: Subject = {
    image,
    rootfs,
    owners: ownedPaths(rootfs),
    named: namedFiles(rootfs),
    elves,
    locked,
    now,
  };
  const found = (Object.keys(CHECKS) as (keyof typeof CHECKS)[]).flatMap(check =>
    CHECKS[check](subject).map(fault => ({ check, ...fault })),
  );
  return [
    ...broken.map(path => ({ check: 'elf-unnamed' as const, path, message: 'a broken ELF file' })),
    ...found,
  ];
}

function elvesOf(rootfs: Rootfs): { elves: Map<string, Elf>; broken: string[] } {
  const elves = new Map<string, Elf>();
  const broken: string[] = [];
  for (const [path, entry] of files(rootfs)) {
    if (!isElf(entry.read(0, 65))) continue;
    try {
      elves.set(path, readElf(entry.read()));
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      broken.push(path);
    }
  }
  return { elves, broken };
}

/** Where the loader finds a library: ld.so(8), without what the environment would add. */
function locate(rootfs: Rootfs, path: string, elf: Elf, library: string): string | undefined {
  const own = elf.searched.map(folder => folder.replace(/\$\{?ORIGIN\}?/, posix.dirname(path)));
  const triplet = TRIPLETS[elf.machine] ?? '';
  const folders = [...own, ...LIBRARY_FOLDERS.flatMap(folder => [`${folder}/${triplet}`, folder])];
  const candidates = library.includes('/') ? [library] : folders.map(folder => `${folder}/${library}`);
  for (const candidate of candidates) {
    const found = resolve(rootfs, candidate);
    if (found !== undefined && rootfs.get(found)?.type === 'file') return found;
  }
  return undefined;
}

/** Files and links of such a name that may be run. */
function programs(rootfs: Rootfs, names: RegExp, what: string): Fault[] {
  return [...rootfs]
    .filter(([path, { type, mode }]) => {
      const isProgram = type === 'symlink' ? resolve(rootfs, path) !== undefined : (mode & 0o111) !== 0;
      return type !== 'directory' && isProgram && names.test(posix.basename(path));
    })
    .map(([path]) => ({ path, message: what }));
}

function mostCommon(names: string[]): string | undefined {
  const counts = Map.groupBy(names, name => name);
  return [...counts].sort(([, a], [, b]) => b.length - a.length)[0]?.[0];
}
