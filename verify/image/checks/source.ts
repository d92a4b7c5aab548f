/**
 * Checks that what Node runs is what was published: our code is the tree of the revision, each package the tarball in the
 * lockfile, Node itself the binary in the lockfile, and the image starts it as its Containerfile says.
 */
import type { ExpectedPackage } from '../../source/expected.ts';
import { digestOf } from '../rootfs.ts';
import type { Fault, Subject } from './subject.ts';

const SERVICES = ['playback', 'redactor', 'visualizer'];
const NODE = '/usr/local/bin/node';
/** Where buildah puts it without being asked. */
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const ARCHITECTURES: Record<string, string> = { amd64: 'x64', arm64: 'arm64' };

export function alteredCode({ rootfs, expected }: Subject): Fault[] {
  const code = expected?.code;
  if (!code) return [];
  const revision = `revision ${code.revision.slice(0, 12)}`;
  const altered = [...rootfs]
    .filter(([, { type }]) => type === 'file' || type === 'other')
    .filter(([path]) => path.startsWith('/app/') && !path.startsWith('/app/node_modules/'))
    .flatMap(([path, entry]) => {
      const wanted = code.own.get(path);
      if (wanted === undefined) return [{ path, message: `is not in ${revision}` }];
      return digestOf(entry, 'sha256') === wanted ? [] : [{ path, message: `is not as in ${revision}` }];
    });
  const missing = [...code.own.keys()]
    .filter(path => rootfs.get(path)?.type !== 'file')
    .map(path => ({ path, message: `is in ${revision}, and not in the image as a file` }));
  return [...altered, ...missing];
}

export function alteredPackages(subject: Subject): Fault[] {
  const { rootfs, expected } = subject;
  if (!expected) return [];
  const faults: Fault[] = [];
  const folders = [...expected.packages.keys()].sort((a, b) => b.length - a.length);
  const present = new Set<string>();
  for (const [path, entry] of rootfs) {
    if (!path.startsWith('/app/node_modules/') || entry.type === 'directory') continue;
    const folder = folders.find(one => path.startsWith(`${one}/`));
    const of = folder === undefined ? undefined : expected.packages.get(folder)!;
    if (folder === undefined || !of) {
      faults.push({ path, message: 'is of no package that the lockfile gives this service' });
      continue;
    }
    present.add(folder);
    const message =
      entry.type === 'file'
        ? packageFileFault(path, path.slice(folder.length + 1), of, subject)
        : 'is no file, and packages hold only files';
    if (message !== undefined) faults.push({ path, message });
  }
  for (const [folder, of] of expected.packages) {
    if (present.has(folder)) faults.push(...missingFiles(folder, of, subject));
    else if (!of.isOptional) faults.push({ path: folder, message: `${nameOf(of)} is missing` });
  }
  return faults;
}

function packageFileFault(
  path: string,
  inside: string,
  of: ExpectedPackage,
  subject: Subject,
): string | undefined {
  if (of.isBuilt && inside.startsWith('build/')) return builtFault(path, inside, of, subject);
  const wanted = of.files.get(inside);
  if (wanted === undefined) return `is not in the tarball of ${nameOf(of)}, or should have been left out`;
  const entry = subject.rootfs.get(path);
  return entry && digestOf(entry, 'sha256') === wanted
    ? undefined
    : `is not as in the tarball of ${nameOf(of)}`;
}

/** What zeromq.sh and canvas.sh compile: an addon that the image's SBOM names by digest, and zeromq's list of one addon. */
function builtFault(path: string, inside: string, of: ExpectedPackage, subject: Subject): string | undefined {
  const { rootfs, image, elves, named } = subject;
  const arch = ARCHITECTURES[image.architecture ?? ''] ?? 'x64';
  const ofZeromq = `linux/${arch}/node/glibc-distribution/addon.node`;
  if (of.name === 'zeromq' && inside === 'build/manifest.json') {
    const key = `{\\"os\\":\\"linux\\",\\"arch\\":\\"${arch}\\",\\"libc\\":\\"glibc\\",\\"abi\\":1}`;
    const isRight = rootfs.get(path)?.read().toString() === `{"${key}":"${ofZeromq}"}\n`;
    return isRight ? undefined : 'lists other addons than the one that is built here';
  }
  const addon = of.name === 'zeromq' ? `build/${ofZeromq}` : 'build/Release/canvas.node';
  if (inside !== addon) return `is not what is built of ${nameOf(of)}, which is ${addon}`;
  return elves.has(path) && named.has(path) ? undefined : "is not an addon that the image's SBOM names";
}

function missingFiles(folder: string, of: ExpectedPackage, { rootfs }: Subject): Fault[] {
  return [...of.files.keys()]
    .filter(inside => rootfs.get(`${folder}/${inside}`)?.type !== 'file')
    .filter(inside => !isRenamed(inside, of))
    .map(inside => ({
      path: `${folder}/${inside}`,
      message: `is in the tarball of ${nameOf(of)}, and missing`,
    }));
}

/** npm unpacks .gitignore under the name .npmignore; either may be there. */
function isRenamed(inside: string, of: ExpectedPackage): boolean {
  return /\.(git|npm)ignore$/.test(inside) && of.files.has(inside.replace(/\.\w+$/, '.npmignore'));
}

const nameOf = ({ name, version }: ExpectedPackage) => `${name} ${version}`;

export function alteredNode({ rootfs, expected }: Subject): Fault[] {
  if (expected?.node === undefined) return [];
  const entry = rootfs.get(NODE);
  return entry?.type === 'file' && digestOf(entry, 'sha256') === expected.node
    ? []
    : [{ path: NODE, message: 'is not the Node that the lockfile names for this platform' }];
}

export function alteredSettings({ image, expected }: Subject): Fault[] {
  if (!expected?.code || !image.settings) return [];
  const { entrypoint, command, workingDirectory, environment } = image.settings;
  const wanted = expected.code.settings;
  const path = '/';
  const faults: Fault[] = [];
  if (JSON.stringify(entrypoint) !== JSON.stringify(wanted.entrypoint) || command.length > 0) {
    faults.push({ path, message: `the image starts ${[...entrypoint, ...command].join(' ')}` });
  }
  if (workingDirectory !== wanted.workingDirectory) {
    faults.push({ path, message: `the image starts in ${workingDirectory || '/'}` });
  }
  const known = new Set([DEFAULT_PATH, ...wanted.environment]);
  const extra = environment.filter(one => !known.has(one));
  const missing = wanted.environment.filter(one => !environment.includes(one));
  if (extra.length + missing.length > 0) {
    const lines = [...extra.map(one => `sets ${one}`), ...missing.map(one => `does not set ${one}`)];
    faults.push({ path, message: `the image ${lines.join(' and ')}, unlike its Containerfile` });
  }
  const { stopSignal, others = [] } = image.settings;
  if (wanted.user !== undefined && image.user !== wanted.user)
    faults.push({ path, message: `the image runs as ${image.user || 'root'}, and not as ${wanted.user}` });
  if (wanted.stopSignal !== undefined && (stopSignal ?? 'SIGTERM') !== wanted.stopSignal)
    faults.push({ path, message: `the image is stopped by ${stopSignal}, and not by ${wanted.stopSignal}` });
  for (const other of others.filter(one => one !== wanted.exposed))
    faults.push({ path, message: `the image has ${other}, which is not in its Containerfile` });
  return [...faults, ...alteredLabels(image.labels, wanted.labels)];
}

/** Written by the program that builds. */
const BUILDERS_LABEL = 'io.buildah.version';

/** podman does what some labels ask for, e.g. io.containers.capabilities. */
function alteredLabels(
  labels: Record<string, string>,
  wanted: Map<string, string | undefined> | undefined,
): Fault[] {
  if (!wanted) return [];
  const names = new Set([...Object.keys(labels), ...wanted.keys()]);
  return [...names].flatMap(name => {
    const value = labels[name];
    const isRight = wanted.has(name)
      ? value !== undefined && value === (wanted.get(name) ?? value)
      : name === BUILDERS_LABEL;
    const what =
      value === undefined ? `lacks the label ${name}` : `has the label ${name}=${value.slice(0, 200)}`;
    return isRight ? [] : [{ path: '/', message: `the image ${what}, unlike its Containerfile` }];
  });
}

/** Signatures and reports go by the archive's name. */
export function misnamed({ image, expected }: Subject): Fault[] {
  const [, name] = /^noaa-(playback|redactor|visualizer)$/.exec(image.name) ?? [];
  const isOurs = SERVICES.includes(expected?.service ?? '');
  return !expected || !isOurs || name === undefined || name === expected.service
    ? []
    : [{ path: '/', message: `the archive is called ${image.name} and holds ${expected.service}` }];
}
