/**
 * Usage: sbom.ts SERVICE ROOT, where ROOT holds what goes into the image besides Debian's packages. Writes, as CycloneDX to
 * stdout, what no package manager in the image knows: the Node binary and the libraries in it, each native addon, the ffmpeg
 * built from Debian's source. With dpkg's status and npm's packages it names every ELF file.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const [service = '', root = ''] = process.argv.slice(2);
const { version } = JSON.parse(readFileSync(join(root, 'app/package.json'), 'utf8'));
const archiveDate = readFileSync(join(root, 'archive-date'), 'utf8').trim();

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Returns a component that is one file, at a path in the image. */
function file(path: string, component: object): object {
  return {
    type: 'library',
    ...component,
    hashes: [{ alg: 'SHA-256', content: sha256(join(root, path)) }],
    evidence: { occurrences: [{ location: path }] },
  };
}

const CPE: Record<string, string> = {
  openssl: 'cpe:2.3:a:openssl:openssl:%s:*:*:*:*:*:*:*',
  uv: 'cpe:2.3:a:libuv:libuv:%s:*:*:*:*:*:*:*',
  zlib: 'cpe:2.3:a:zlib:zlib:%s:*:*:*:*:*:*:*',
  nghttp2: 'cpe:2.3:a:nghttp2:nghttp2:%s:*:*:*:*:*:*:*',
  sqlite: 'cpe:2.3:a:sqlite:sqlite:%s:*:*:*:*:*:*:*',
  brotli: 'cpe:2.3:a:google:brotli:%s:*:*:*:*:*:*:*',
  ares: 'cpe:2.3:a:c-ares:c-ares:%s:*:*:*:*:*:*:*',
  zstd: 'cpe:2.3:a:facebook:zstandard:%s:*:*:*:*:*:*:*',
};
const inNode = Object.entries(process.versions)
  .filter((entry): entry is [string, string] => entry[1] !== undefined && /^\d+\.\d+/.test(entry[1]))
  .filter(([name]) => !['node', 'cldr', 'tz', 'unicode', 'napi', 'modules'].includes(name))
  .map(([name, of]) => ({
    type: 'library',
    name,
    version: of,
    // Node's zlib is Chromium's: databases know "1.3.2.1-motley-8002e91" as zlib 1.3.2.1.
    ...(CPE[name] && { cpe: CPE[name].replace('%s', of.split('-')[0] ?? of) }),
  }));

const components = [
  file('/usr/local/bin/node', {
    type: 'application',
    name: 'node',
    version: process.versions.node,
    licenses: [{ license: { id: 'MIT' } }],
    purl: `pkg:generic/node@${process.versions.node}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${process.versions.node}:*:*:*:*:*:*:*`,
    components: inNode,
  }),
];

for (const addon of globSync(join(root, 'app/node_modules/**/*.node')).sort()) {
  let directory = dirname(addon);
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  const owner = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const compiledHere = ['zeromq', 'canvas'].includes(owner.name);
  components.push(
    file(addon.slice(root.length), {
      name: owner.name,
      version: owner.version,
      description: compiledHere
        ? "native addon, compiled in this build from the package's sources against Debian's libraries"
        : 'native addon, as the package brings it',
      licenses: [{ expression: owner.license }],
      purl: `pkg:npm/${owner.name.replace('@', '%40')}@${owner.version}`,
    }),
  );
}

if (existsSync(join(root, 'ffmpeg-version'))) {
  const debian = readFileSync(join(root, 'ffmpeg-version'), 'utf8').trim();
  const upstream = debian.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
  for (const name of ['ffmpeg', 'ffprobe']) {
    components.push(
      file(`/usr/local/bin/${name}`, {
        type: 'application',
        name,
        version: debian,
        description:
          "compiled in this build from Debian's source package ffmpeg, with only what playback uses",
        licenses: [{ license: { id: 'LGPL-2.1-or-later' } }],
        purl: `pkg:deb/debian/ffmpeg@${encodeURIComponent(debian)}?arch=source&distro=debian-13`,
        cpe: `cpe:2.3:a:ffmpeg:ffmpeg:${upstream}:*:*:*:*:*:*:*`,
      }),
    );
  }
}

const document = {
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  metadata: {
    component: { type: 'container', name: `noaa-${service}`, version },
    // The state of Debian's archive, not the time of the build, so that the same inputs give the same bytes.
    timestamp: new Date(archiveDate).toISOString(),
  },
  components,
};
process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
