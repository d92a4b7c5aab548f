import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { good, layerTar, type Made, writeDockerArchive, writeOciArchive } from './fixtures/made.ts';
import { makeSource, SETTINGS } from './fixtures/source.ts';
import { tarOf } from './fixtures/tar.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const RECORDED = fileURLToPath(new URL('fixtures/recorded', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'noaa-verify-'));
after(() => rmSync(folder, { recursive: true }));
const SOURCE = makeSource(folder);
const TARBALLS = readdirSync(folder)
  .filter(name => name.endsWith('.tgz'))
  .map(name => join(folder, name));

/** Programs by the scanners' names that answer what was recorded of them. Databases are as old as they say here. */
function scanners(named: Record<string, Record<string, string>>, builtAt = new Date()): string {
  const bin = mkdtempSync(join(folder, 'bin-'));
  const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  symlinkSync(git, join(bin, 'git'));
  for (const [name, said] of Object.entries(named)) {
    const program = `#!${process.execPath}
const said = ${JSON.stringify(said)};
const line = process.argv.slice(2).join(' ');
const { existsSync, readFileSync } = require('node:fs');
// Of a file Trivy makes out a docker-archive, of a folder an OCI layout.
if (line.startsWith('image') && !line.endsWith('/noaa-test.tar') && !existsSync(process.argv.at(-1) + '/oci-layout')) {
  console.error('unable to open it as an OCI image');
  process.exit(1);
}
if (line.startsWith('pack')) {
  const [, to] = / --pack-destination=(\\S+)/.exec(line);
  for (const file of ${JSON.stringify(TARBALLS)}) require('node:fs').copyFileSync(file, to + '/' + file.split('/').pop());
  process.exit();
}
const key = line.includes('/canary.cdx.json') ? 'canary' : Object.keys(said).find(word => line.startsWith(word));
const { recordings } = JSON.parse(readFileSync(${JSON.stringify(join(RECORDED, name === 'npm' ? 'npm-audit.json' : `${name}.json`))}, 'utf8'));
const { code, stdout, stderr } = recordings[said[key]];
if (stdout.built) stdout.built = ${JSON.stringify(builtAt)};
if (stdout.VulnerabilityDB) stdout.VulnerabilityDB.UpdatedAt = ${JSON.stringify(builtAt)};
process.stdout.write(typeof stdout === 'string' ? stdout : JSON.stringify(stdout));
process.stderr.write(stderr);
process.exitCode = code;
`;
    writeFileSync(join(bin, name), program);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

const TRIVY = { version: 'about', canary: 'canary', image: 'clean', sbom: 'clean' };
const GRYPE = { 'db status': 'database', version: 'version', canary: 'canary', '': 'clean' };
const NPM = { '--version': 'about', audit: 'clean' };

/** Today's, so that the day on which a test runs is no matter. */
function image(
  change: Made = {},
  write: typeof writeDockerArchive = writeDockerArchive,
  revision = SOURCE.revision,
): string {
  const at = mkdtempSync(join(folder, 'image-'));
  const made = { ...good(), ...change };
  const sbom = '/usr/share/sbom/noaa-test.cdx.json';
  const today = { metadata: { timestamp: new Date().toISOString() } };
  made[sbom] = JSON.stringify({ ...JSON.parse(made[sbom] as string), ...today });
  const path = join(at, 'noaa-test.tar');
  layerTar(made, `${path}.layer`);
  const Labels = { 'org.opencontainers.image.revision': revision };
  write([readFileSync(`${path}.layer`)], path, { settings: { ...SETTINGS, Labels } });
  return path;
}

function verify(
  bin: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string; out: string }> {
  const out = mkdtempSync(join(folder, 'out-'));
  return new Promise(done => {
    execFile(
      process.execPath,
      [MAIN, '--out', out, '--source', SOURCE.clone, ...args],
      { env: { PATH: bin }, encoding: 'utf8' },
      (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), stdout, stderr, out }),
    );
  });
}

test('an image that holds what it says, and three scanners with nothing to say: exit code 0 and a page of evidence', async () => {
  const { code, stdout, stderr, out } = await verify(
    scanners({ trivy: TRIVY, grype: GRYPE, npm: NPM }),
    image(),
  );
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^VERIFIED: /);
  assert.match(
    stdout,
    /trivy 0\.66\.0 on the image: 0 findings in 1 deb and 1 npm packages, database of .*, 0\.0 h old/,
  );
  assert.match(stdout, /npm audit 11\.19\.1 on the lockfile: 0 findings in 120 npm packages, asked online/);
  assert.match(stdout, /What this cannot tell/);
  assert.equal(
    readFileSync(join(out, 'report.txt'), 'utf8'),
    stdout.slice(0, readFileSync(join(out, 'report.txt'), 'utf8').length),
  );
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
  assert.equal(report.outcome, 'verified');
  assert.equal(JSON.parse(readFileSync(join(out, 'noaa-test.cdx.json'), 'utf8')).specVersion, '1.6');
});

test('a fixable vulnerability: exit code 1, and the page names it', async () => {
  const bin = scanners({ trivy: { ...TRIVY, image: 'fixable high' }, grype: GRYPE, npm: NPM });
  const { code, stdout } = await verify(bin, image());
  assert.equal(code, 1);
  assert.match(stdout, /^FAILED: /);
  assert.match(
    stdout,
    /must be mended\n +high +CVE-2099-0001 in libc6 2\.41-12: fixed in 2\.41-12\+deb13u1 \(trivy\)/,
  );
});

test('a shell in the image: exit code 1, though no scanner objects', async () => {
  const shell = { '/usr/bin/sh': { content: '#!', mode: 0o755 } };
  const { code, stdout } = await verify(scanners({ trivy: TRIVY, grype: GRYPE, npm: NPM }), image(shell));
  assert.equal(code, 1);
  assert.match(stdout, /shell: \/usr\/bin\/sh a shell/);
});

test('a byte added to one of our files: exit code 1, though no scanner objects, and the page names the file', async () => {
  const bin = scanners({ trivy: TRIVY, grype: GRYPE, npm: NPM });
  const { code, stdout } = await verify(bin, image({ '/app/apps/test/main.js': 'console.log(1);\n ' }));
  assert.equal(code, 1);
  assert.match(stdout, /code-changed: \/app\/apps\/test\/main\.js is not as in revision [0-9a-f]{12}/);
});

test('an image of no known revision: exit code 3, since nothing says what its code should be', async () => {
  const bin = scanners({ trivy: TRIVY, grype: GRYPE, npm: NPM });
  const { code, stdout } = await verify(bin, image({}, writeDockerArchive, `${SOURCE.revision}-dirty`));
  assert.equal(code, 3);
  assert.match(stdout, /source: not compared: the image was not built from a commit/);
});

test('an archive that unpacks to more than it may: exit code 3 and one sentence', async () => {
  const path = join(folder, 'bomb.tar');
  writeFileSync(path, gzipSync(tarOf([{ name: 'zeros', content: Buffer.alloc(80 << 20) }])));
  const { code, stderr } = await verify(scanners({ trivy: TRIVY, grype: GRYPE, npm: NPM }), path);
  assert.equal(code, 3);
  assert.match(stderr, /^the archive of 0\.\d MB unpacks to more than 64 MB, [^\n]*\n$/);
});

test('no scanner on the machine: exit code 3, and nothing is claimed', async () => {
  const { code, stdout } = await verify(scanners({}), image());
  assert.equal(code, 3);
  assert.match(stdout, /^CANNOT VERIFY: /);
  for (const scanner of ['trivy', 'grype', 'npm audit'])
    assert.ok(stdout.includes(`${scanner}: missing: it is not installed`));
});

test('a database that is too old: exit code 3, and the page says how old', async () => {
  const old = new Date(Date.now() - 50 * 3_600_000);
  const { code, stdout } = await verify(scanners({ trivy: TRIVY, grype: GRYPE, npm: NPM }, old), image());
  assert.equal(code, 3);
  assert.match(stdout, /grype: stale database: its database is 50 hours old, and 48 is the most/);
});

test('osv-scanner counts as soon as it is installed, and where it crashes nothing is claimed', async () => {
  const osv = { '--version': 'about', canary: 'canary', '': 'crashed' };
  const { code, stdout } = await verify(
    scanners({ trivy: TRIVY, grype: GRYPE, npm: NPM, 'osv-scanner': osv }),
    image(),
  );
  assert.equal(code, 3);
  assert.match(stdout, /osv-scanner: crashed: it ended with code 127/);
});

test('an accepted vulnerability passes until its day is over', async () => {
  const bin = scanners({ trivy: { ...TRIVY, image: 'fixable high' }, grype: GRYPE, npm: NPM });
  const accepted = (until: string) => {
    const path = join(mkdtempSync(join(folder, 'vex-')), 'accepted.openvex.json');
    const statement = {
      vulnerability: { name: 'CVE-2099-0001' },
      products: [{ '@id': 'pkg:deb/debian/libc6' }],
      status: 'affected',
      action_statement: 'rebuild when Debian has it',
      status_notes: `accepted until ${until}`,
    };
    writeFileSync(
      path,
      JSON.stringify({ '@context': 'https://openvex.dev/ns/v0.2.0', statements: [statement] }),
    );
    return path;
  };
  const valid = await verify(bin, '--accepted', accepted('2999-01-01'), image());
  assert.equal(valid.code, 0, valid.stdout);
  assert.match(valid.stdout, /accepted\n.*CVE-2099-0001.*until 2999-01-01: rebuild when Debian has it/);
  const expired = await verify(bin, '--accepted', accepted('2020-01-01'), image());
  assert.equal(expired.code, 1);
  assert.match(expired.stdout, /its acceptance ended on 2020-01-01/);
});

test('images of podman are saved by their ids, so that no archive carries a name, and are called by their files', async () => {
  const bin = scanners({ trivy: TRIVY, grype: GRYPE, npm: NPM });
  const program = `#!/bin/sh
PATH=/usr/bin:/bin
case "$*" in
'image inspect'*) echo "${'5e'.repeat(32)}" ;;
save*) shift 5 && cp ${image({}, writeOciArchive)} "$1" && echo "$2" >>${join(bin, 'saved')} ;;
esac
`;
  writeFileSync(join(bin, 'podman'), program, { mode: 0o755 });
  const { code, stdout, stderr, out } = await verify(bin);
  assert.equal(code, 0, stdout + stderr);
  assert.equal(readFileSync(join(bin, 'saved'), 'utf8'), `${'5e'.repeat(32)}\n`.repeat(3));
  const { images } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
  assert.deepEqual(
    images.map(({ name }: { name: string }) => name),
    ['noaa-playback', 'noaa-redactor', 'noaa-visualizer'],
  );
  assert.deepEqual(
    readdirSync(out).filter(name => name.startsWith('layout-')),
    [],
    'what was unpacked for Trivy is gone',
  );
});

test('a command line that is wrong: exit code 2 and one sentence', async () => {
  const none = scanners({});
  mkdirSync(join(folder, 'empty'));
  for (const [args, said] of [
    [['/no/such/image.tar'], /there is no \/no\/such\/image\.tar/],
    [['--colour', 'red'], /--colour/],
    [['--accepted', '/no/such.json', image()], /there is no \/no\/such\.json/],
    [[], /podman is not here/],
  ] as const) {
    const { code, stderr } = await verify(none, ...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /\n +at /);
  }
});

test('an archive that is damaged: exit code 3 and one sentence', async () => {
  const path = join(folder, 'damaged.tar');
  writeFileSync(path, Buffer.alloc(4096, 7));
  const { code, stderr } = await verify(scanners({ trivy: TRIVY, grype: GRYPE, npm: NPM }), path);
  assert.equal(code, 3);
  assert.match(stderr, /^this is not a tar archive that can be read\n$/);
});
