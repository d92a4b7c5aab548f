import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('pending-updates', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'noaa-pending-'));
after(() => rmSync(folder, { recursive: true }));

const paragraph = (name: string, version: string) =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\nMaintainer: x\nDescription: x\n`;

/** An archive on this disk with one version of each package; apt itself reads it. */
function sources(packages: Record<string, string>): string {
  const at = mkdtempSync(join(folder, 'archive-'));
  const list = Object.entries(packages).map(([name, version]) =>
    `${paragraph(name, version)}Filename: ./${name}.deb\nSize: 1\nSHA256: ${'0'.repeat(64)}\n`.replace(
      /Status:.*\n/,
      '',
    ),
  );
  mkdirSync(join(at, 'debian'));
  writeFileSync(join(at, 'debian/Packages'), list.join('\n'));
  const file = join(at, 'asked.sources');
  writeFileSync(file, `Types: deb\nURIs: file:${at}/debian\nSuites: ./\nTrusted: yes\n`);
  return file;
}

function pending(
  installed: Record<string, string>,
  from: string,
  built: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const status = join(mkdtempSync(join(folder, 'root-')), 'status');
  writeFileSync(
    status,
    Object.entries(installed)
      .map(one => paragraph(...one))
      .join('\n'),
  );
  return new Promise(done => {
    execFile(
      SCRIPT,
      ['--sources', from, status, ...built],
      { encoding: 'utf8', env: { ...process.env, ...env } },
      (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const archive = sources({ libc6: '2.41-12+deb13u1', libzmq5: '4.3.5-1', ffmpeg: '7:7.1.5-0+deb13u2' });

test('a root whose packages are the newest has no update pending', async () => {
  const { code, stdout, stderr } = await pending({ libc6: '2.41-12+deb13u1', libzmq5: '4.3.5-1' }, archive);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 'no update is pending among 2 packages\n');
});

test('a package that Debian has a newer version of is pending, and named with both', async () => {
  const { code, stdout } = await pending({ libc6: '2.41-12', libzmq5: '4.3.5-1' }, archive);
  assert.equal(code, 1);
  assert.equal(stdout, 'libc6 2.41-12 → 2.41-12+deb13u1\n');
});

test('what was built from a source that Debian has mended since is pending too', async () => {
  const { code, stdout } = await pending({ libc6: '2.41-12+deb13u1' }, archive, ['ffmpeg=7:7.1.5-0+deb13u1']);
  assert.equal(code, 1);
  assert.equal(stdout, 'ffmpeg 7:7.1.5-0+deb13u1 → 7:7.1.5-0+deb13u2\n');
});

test('a machine whose apt speaks German tells the same', async () => {
  // apt itself, with what the script reads of its answer translated as its German catalogue has it.
  const bin = mkdtempSync(join(folder, 'bin-'));
  const apt = execFileSync('sh', ['-c', 'command -v apt-cache'], { encoding: 'utf8' }).trim();
  const german = `s/Installed:/Installiert:/; s/Candidate:/Installationskandidat:/; s/Version table:/Versionstabelle:/`;
  writeFileSync(
    join(bin, 'apt-cache'),
    `#!/bin/sh\n[ "$LC_ALL" != C ] || exec ${apt} "$@"\nLC_ALL=C ${apt} "$@" | sed '${german}'\n`,
    { mode: 0o755 },
  );
  const env = { LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de', PATH: `${bin}:${process.env['PATH']}` };
  const newest = await pending({ libc6: '2.41-12+deb13u1' }, archive, [], env);
  assert.equal(newest.code, 0, newest.stderr);
  const old = await pending({ libc6: '2.41-12' }, archive, [], env);
  assert.equal(old.code, 1, old.stderr);
  assert.equal(old.stdout, 'libc6 2.41-12 → 2.41-12+deb13u1\n');
});

test('nothing in the status of a root becomes an option or a setting of apt, or works on the terminal', async () => {
  const ran = join(folder, 'ran');
  for (const [field, name, version] of [
    ['Package', '-o=Debug::pkgPolicy=1', '1'],
    ['Version', 'libc6', '2.41\u001b[2J'],
    ['Architecture', `libc6\nArchitecture: a"; APT::Update::Pre-Invoke { "touch ${ran}"; }; X "`, '1'],
  ] as const) {
    const { code, stdout, stderr } = await pending({ [name]: version }, archive);
    assert.equal(code, 3, stdout);
    assert.match(
      stderr,
      new RegExp(`^pending-updates: \\S+status has a ${field} that is none of Debian's$`, 'm'),
    );
  }
  assert.ok(!existsSync(ran), 'a line of the status was run');
});

test('a package that no source lists, an archive that is not there and an empty root are no proof of freshness', async () => {
  const unlisted = await pending({ libc6: '2.41-12+deb13u1', libown: '1' }, archive);
  assert.equal(unlisted.code, 3);
  assert.match(unlisted.stderr, /no source lists libown$/m);
  const gone = join(folder, 'gone.sources');
  writeFileSync(gone, 'Types: deb\nURIs: file:/no/such/archive\nSuites: ./\nTrusted: yes\n');
  assert.equal((await pending({ libc6: '1' }, gone)).code, 3);
  assert.equal((await pending({ libc6: '1' }, sources({}))).code, 3);
  const none = await pending({}, archive);
  assert.equal(none.code, 3);
  assert.match(none.stderr, /there is no package in/);
});
