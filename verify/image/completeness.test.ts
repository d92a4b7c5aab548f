import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { elf, GOOD, good, imageFrom, type Made } from '../fixtures/made.ts';
import { type Violation, violationsOf } from './completeness.ts';
import { readElf } from './elf.ts';

const NOW = new Date('2099-01-10T12:00:00Z');
const LOCKED = new Set(['koa@3.3.0']);

function violations(change: Made = {}, remove: string[] = []): Violation[] {
  const made = { ...good(), ...change };
  for (const path of remove) delete made[path];
  return violationsOf(imageFrom(made), LOCKED, NOW);
}

/** Which checks reject an image with this change, and that they name the path. */
function rejectedBy(change: Made, at = Object.keys(change)[0]!): string[] {
  const found = violations(change);
  assert.ok(
    found.some(({ path }) => path === at),
    `${at} is named in ${JSON.stringify(found)}`,
  );
  return found.filter(({ path }) => path === at).map(({ check }) => check);
}

test('an image in which all is named and in its place is not objected to', () => {
  assert.deepEqual(violations(), []);
});

test('a program that neither dpkg owns nor the SBOM names is rejected, wherever it lies and whatever its mode', () => {
  for (const path of [
    '/usr/lib/x86_64-linux-gnu/libextra.so.1',
    '/app/node_modules/koa/hidden',
    '/etc/data.bin',
  ]) {
    assert.ok(rejectedBy({ [path]: { content: elf() } }).includes('elf-unnamed'), path);
  }
});

test('a program that has been exchanged for another is rejected, though its path is in the SBOM', () => {
  const checks = rejectedBy({ [GOOD.node]: { content: elf({ filler: 'another' }), mode: 0o755 } });
  assert.deepEqual(checks.sort(), ['elf-unnamed', 'sbom-file-missing']);
});

test('a name in the SBOM without its file is rejected', () => {
  const found = violations({}, [GOOD.addon]);
  assert.deepEqual(
    found.map(({ check }) => check),
    ['sbom-file-missing'],
  );
});

test('an ELF file whose headers lead out of it is rejected, not passed over', () => {
  const broken = elf();
  broken.writeBigUInt64LE(2n ** 40n, 32);
  assert.ok(rejectedBy({ '/app/apps/test/broken': { content: broken } }).includes('elf-unnamed'));
});

test('binaries for another processor, word size, libc or system are rejected', () => {
  const windows = Buffer.alloc(200);
  windows.write('MZ');
  windows.writeUInt32LE(128, 0x3c);
  windows.write('PE\0\0', 128);
  const mac = Buffer.alloc(200);
  mac.writeUInt32BE(0xcffaedfe);
  const foreign: Made = {
    '/app/node_modules/koa/build/arm.node': { content: elf({ machine: 183 }) },
    '/app/node_modules/koa/build/small.node': { content: elf({ bits: 32, machine: 3 }) },
    '/app/node_modules/koa/build/musl.node': { content: elf({ needed: ['libc.musl-x86_64.so.1'] }) },
    '/app/node_modules/koa/build/windows.node': { content: windows },
    '/app/node_modules/koa/build/mac.node': { content: mac },
  };
  for (const [path, file] of Object.entries(foreign)) {
    assert.ok(rejectedBy({ [path]: file }).includes('foreign-platform'), path);
  }
});

test('a library that npm brought is rejected, and one that an addon would find there', () => {
  const library = '/app/node_modules/koa/lib/libown.so.2';
  const found = violations({
    [library]: { content: elf() },
    [GOOD.addon]: { content: elf({ needed: ['libown.so.2'], runpath: '$ORIGIN/../lib' }) },
  }).filter(({ check }) => check === 'library-in-node-modules');
  assert.deepEqual(
    found.map(({ path, message }) => [path, message]),
    [
      [library, 'a library that npm brought'],
      [GOOD.addon, `finds libown.so.2 at ${library}`],
    ],
  );
});

test('a program whose library is not in the image is rejected', () => {
  const [found] = violations({ [GOOD.addon]: { content: elf({ needed: ['libmissing.so.1'] }) } }).filter(
    ({ check }) => check === 'library-in-node-modules',
  );
  assert.equal(found?.message, 'needs libmissing.so.1, which is not in the image');
});

test('a file, or a setting, that differs from what its package installed is rejected', () => {
  assert.ok(rejectedBy({ [GOOD.libc]: { content: elf({ filler: 'patched' }) } }).includes('changed'));
  assert.ok(rejectedBy({ '/etc/os-release': 'ID=debian\nVERSION_ID="12"\n' }).includes('changed'));
});

test('a file of a package of Debian that dpkg recorded no digest of is rejected', () => {
  const info = '/var/lib/dpkg/info/libc6:amd64';
  const list = `${(good()[`${info}.list`] as string).trim()}\n/usr/share/doc/libc6/more\n`;
  const made = { [`${info}.list`]: list, '/usr/share/doc/libc6/more': 'x' };
  assert.deepEqual(
    violations(made).map(({ check, path }) => [check, path]),
    [['changed', '/usr/share/doc/libc6/more']],
  );
});

/** As ldconfig writes it, with what is in it by accident left out. */
function loaderCache(libraries: [string, string][]): Buffer {
  const strings = Buffer.from(
    libraries
      .flat()
      .map(text => `${text}\0`)
      .join(''),
  );
  const bytes = Buffer.alloc(48 + 24 * libraries.length + strings.length);
  bytes.write('glibc-ld.so.cache1.1');
  bytes.writeUInt32LE(libraries.length, 20);
  let at = bytes.length - strings.length;
  strings.copy(bytes, at);
  for (const [index, pair] of libraries.entries()) {
    for (const [word, text] of pair.entries()) {
      bytes.writeUInt32LE(at, 48 + 24 * index + 4 + 4 * word);
      at += Buffer.byteLength(text) + 1;
    }
  }
  return bytes;
}

/** As fc-cache writes it, for a folder. */
function fontCache(folder: string, name = folder): [string, Buffer] {
  const bytes = Buffer.alloc(64 + folder.length + 1);
  bytes.writeUInt32LE(0xfc02fc04);
  bytes.writeBigInt64LE(BigInt(bytes.length), 8);
  bytes.writeBigInt64LE(64n, 16);
  bytes.write(folder, 64);
  const digest = createHash('md5').update(name).digest('hex');
  return [`/var/cache/fontconfig/${digest}-le64.cache-9`, bytes];
}

const LIBC = '/lib/x86_64-linux-gnu/libc.so.6';
const OWNED_FOLDER = '/usr/lib/x86_64-linux-gnu';
const made = ([path, content]: [string, Buffer]): Made => ({ [path]: { content } });

test('what a build generates is accepted as it generates it', () => {
  for (const change of [
    { '/etc/ld.so.cache': { content: loaderCache([['libc.so.6', LIBC]]) } },
    made(fontCache(OWNED_FOLDER)),
    { '/var/cache/fontconfig/CACHEDIR.TAG': 'Signature: 8a477f597d28d172789f06886806bc55\n# a comment\n' },
    {
      '/etc/passwd':
        'root:x:0:0:root:/:/usr/sbin/nologin\na:x:10001:10001:a:/nonexistent:/usr/sbin/nologin\n',
    },
    { '/etc/group': 'root:x:0:\na:x:10001:\n' },
    { '/var/lib/dpkg/arch': 'amd64\n' },
    { '/etc/resolv.conf': '' },
    { '/usr/local/man': { target: 'share/man' } },
  ] as Made[]) {
    assert.deepEqual(violations(change), [], Object.keys(change)[0]);
  }
});

test('none of what a build generates is a place to hide something in', () => {
  for (const change of [
    {
      '/etc/ld.so.cache': { content: loaderCache([['libc.so.6', '/app/node_modules/koa/build/addon.node']]) },
    },
    { '/etc/ld.so.cache': { content: loaderCache([['libc.so.6', '/no/such/libc.so.6']]) } },
    { '/etc/ld.so.cache': { content: loaderCache([['libzmq.so.5', LIBC]]) } },
    { '/etc/ld.so.cache': { content: loaderCache([['libc.so.6', LIBC]]).subarray(0, 60) } },
    { '/etc/ld.so.cache': 'anything' },
    made(fontCache('/no/such/folder')),
    made(fontCache(OWNED_FOLDER, '/another')),
    made([fontCache(OWNED_FOLDER)[0], Buffer.from('anything')]),
    made([fontCache(OWNED_FOLDER)[0], Buffer.concat([fontCache(OWNED_FOLDER)[1], Buffer.from('more')])]),
    { '/var/cache/fontconfig/CACHEDIR.TAG': 'anything' },
    { '/etc/passwd': 'root:x:0:0:root:/:/bin/sh\n' },
    { '/etc/passwd': 'root:x:0:0:root:/:/usr/sbin/nologin\na:x:0:0:a:/nonexistent:/usr/sbin/nologin\n' },
    {
      '/etc/passwd':
        'root:x:0:0:root:/:/usr/sbin/nologin\na:x:10002:10002:a:/nonexistent:/usr/sbin/nologin\n',
    },
    { '/etc/group': 'root:x:0:a\n' },
    { '/etc/profile': 'alias ls=evil' },
    { '/etc/motd': 'anything' },
    { '/etc/resolv.conf': 'nameserver 192.0.2.1' },
    { '/var/lib/dpkg/arch': 'arm64\n' },
    { '/var/lib/dpkg/info/other.postinst': 'anything' },
  ] as Made[]) {
    assert.deepEqual(rejectedBy(change), ['generated-changed'], JSON.stringify(change).slice(0, 120));
  }
  for (const path of [
    '/var/lib/dpkg/extra',
    '/var/cache/fontconfig/x',
    '/etc/fonts/conf.d/99.conf',
    '/etc/ssl/certs/x',
  ])
    assert.deepEqual(rejectedBy({ [path]: 'x' }), ['unexplained'], path);
});

test('a device or a pipe is rejected, though its path is one that a package owns or a build makes', () => {
  for (const path of [GOOD.libc, GOOD.node, '/etc/passwd', '/var/lib/dpkg/status', '/dev/sda']) {
    const image = imageFrom({ ...good(), '/dev/sda': '' });
    image.rootfs.set(path, { ...image.rootfs.get(path)!, type: 'other' });
    const found = violationsOf(image, LOCKED, NOW).filter(one => one.path === path);
    assert.ok(
      found.some(({ check }) => check === 'unexplained'),
      path,
    );
  }
});

test('a link that no package brings is rejected, and one of a package that leads to a file of none', () => {
  assert.deepEqual(rejectedBy({ '/etc/extra': { target: 'os-release' } }), ['stray-link']);
  assert.deepEqual(rejectedBy({ '/usr/local/man': { target: '/etc' } }), ['stray-link']);
  const list = '/var/lib/dpkg/info/libc6:amd64.list';
  const owned = { [list]: `${good()[list]}/usr/lib/libx.so\n` };
  const link = (target: string) => violations({ ...owned, '/usr/lib/libx.so': { target } });
  assert.deepEqual(link('x86_64-linux-gnu/libc.so.6'), []);
  assert.deepEqual(link('not/in/the/image'), []);
  assert.deepEqual(
    link('/app/node_modules/koa/package.json').map(({ check, path }) => [check, path]),
    [['stray-link', '/usr/lib/libx.so']],
  );
});

test('a link of a package that leads to a mount, or to another package, is rejected', () => {
  const list = '/var/lib/dpkg/info/libc6:amd64.list';
  const other = '/var/lib/dpkg/info/zlib1g:amd64';
  const owned = {
    [list]: `${good()[list]}/usr/lib/libx.so\n`,
    '/var/lib/dpkg/status': `${good()['/var/lib/dpkg/status']}Package: zlib1g\nStatus: install ok installed\nVersion: 1\n`,
    [`${other}.list`]: '/usr/lib/libz.so.1\n',
    [`${other}.md5sums`]: `${createHash('md5').update('z').digest('hex')}  usr/lib/libz.so.1\n`,
    '/usr/lib/libz.so.1': 'z',
    '/tmp': { mode: 0o41777 },
  };
  assert.deepEqual(violations(owned), []);
  for (const target of [
    '/clips/x.so',
    '/tmp/x.so',
    '../../masks/x.so',
    '/proc/self/fd/3',
    '/tmp',
    'libz.so.1',
  ]) {
    const found = violations({ ...owned, '/usr/lib/libx.so': { target } });
    assert.deepEqual(
      found.map(({ check, path }) => [check, path]),
      [['stray-link', '/usr/lib/libx.so']],
      target,
    );
  }
});

test('the SBOM of an image cannot excuse what no build compiles, and there is no second one', () => {
  const path = '/usr/share/sbom/noaa-test.cdx.json';
  const naming = (location: string, content: string) => {
    const sbom = JSON.parse(String(good()[path]));
    const hashes = [{ alg: 'SHA-256', content: createHash('sha256').update(content).digest('hex') }];
    sbom.components.push({ type: 'library', name: 'x', hashes, evidence: { occurrences: [{ location }] } });
    return JSON.stringify(sbom);
  };
  for (const location of ['/etc/ld.so.preload', '/usr/lib/evil.so', '/usr/local/bin/helper', '/app/x.node']) {
    const found = violations({ [path]: naming(location, 'evil'), [location]: 'evil' });
    assert.ok(
      found.some(one => one.path === path && one.message.includes(location)),
      `${location}: ${JSON.stringify(found)}`,
    );
  }
  for (const second of ['/usr/share/sbom/noaa-other.cdx.json', '/usr/share/sbom/more.cdx.json'])
    assert.deepEqual(rejectedBy({ [second]: '{"components":[]}' }), ['generated-changed']);
});

test('a record of dpkg for a package that its status does not have, and a preloaded library, are rejected', () => {
  const info = '/var/lib/dpkg/info/extra';
  const records = {
    [`${info}.list`]: '/usr/lib/evil.so\n/etc/ld.so.preload\n',
    [`${info}.md5sums`]: ['usr/lib/evil.so', 'etc/ld.so.preload']
      .map(path => `${createHash('md5').update('evil').digest('hex')}  ${path}\n`)
      .join(''),
    '/usr/lib/evil.so': 'evil',
    '/etc/ld.so.preload': 'evil',
  };
  const found = violations(records).map(({ check, path }) => [check, path]);
  assert.deepEqual(found, [
    ['generated-changed', `${info}.list`],
    ['generated-changed', `${info}.md5sums`],
    ['preloaded', '/etc/ld.so.preload'],
  ]);
});

test('another mode of our files than a build gives them is rejected', () => {
  const path = '/app/apps/test/main.js';
  for (const mode of [0o600, 0o000, 0o664, 0o744])
    assert.deepEqual(
      rejectedBy({ [path]: { content: 'console.log(1);\n', mode } }),
      ['mode-changed'],
      `${mode}`,
    );
});

test('a secret in the labels, the variables or the history of an image is found', () => {
  for (const written of [
    ['https://user:word@host.example/project.git'],
    ['|1 HTTP_PROXY=http://user:pass@proxy.example:3128 /bin/sh -c npm ci'],
  ]) {
    const image = { ...imageFrom(good()), configuration: JSON.stringify(written) };
    assert.deepEqual(
      violationsOf(image, LOCKED, NOW).map(({ check }) => check),
      ['secret'],
    );
  }
});

test('a file of unknown origin is rejected', () => {
  assert.deepEqual(rejectedBy({ '/usr/share/extra/notes.txt': 'who put this here?' }), ['unexplained']);
});

test('a package of npm that the lockfile does not name is rejected', () => {
  const path = '/app/node_modules/left-pad';
  const found = violations({ [`${path}/package.json`]: '{"name":"left-pad","version":"1.3.0"}' });
  assert.deepEqual(
    found.map(({ check, path: at }) => [check, at]),
    [['not-in-lockfile', path]],
  );
});

test('setuid and setgid files, and files with capabilities, are rejected', () => {
  for (const mode of [0o4755, 0o2755]) {
    assert.ok(rejectedBy({ '/app/apps/test/tool.ts': { content: 'x', mode } }).includes('setuid'));
  }
  const image = imageFrom({ ...good(), '/app/apps/test/tool.ts': 'x' });
  image.rootfs.get('/app/apps/test/tool.ts')!.hasCapabilities = true;
  assert.deepEqual(
    violationsOf(image, LOCKED, NOW).map(({ check }) => check),
    ['setuid'],
  );
});

test('what anyone may write to is rejected, except a folder like /tmp', () => {
  assert.ok(
    rejectedBy({ '/app/apps/test/open.ts': { content: 'x', mode: 0o666 } }).includes('world-writable'),
  );
  assert.deepEqual(rejectedBy({ '/app/apps/open': { mode: 0o40777 } }), ['world-writable']);
  assert.deepEqual(violations({ '/var/tmp': { mode: 0o41777 } }), []);
});

test('what belongs to someone but root, or to a group but its, is rejected', () => {
  assert.deepEqual(rejectedBy({ '/app/apps/test/own.js': { content: 'x', uid: 10001 } }), ['not-root-owned']);
  assert.deepEqual(rejectedBy({ '/app/apps/test/own.js': { content: 'x', gid: 10001 } }), ['not-root-owned']);
  assert.deepEqual(rejectedBy({ '/app/apps/own': { mode: 0o40755, uid: 10001 } }), ['not-root-owned']);
});

test('a program beyond those that the SBOM names is rejected, even one of a package', () => {
  const program = { content: 'x', mode: 0o755 };
  assert.ok(rejectedBy({ '/usr/bin/getent': program }).includes('program-unasked'));
  assert.ok(rejectedBy({ '/usr/sbin/ldconfig': program }).includes('program-unasked'));
});

test('an image that does not say when it was built is rejected', () => {
  for (const labels of [{}, { 'org.opencontainers.image.created': 'unknown' }]) {
    const found = violationsOf({ ...imageFrom(good()), labels }, LOCKED, NOW);
    assert.deepEqual(
      found.map(({ check }) => check),
      ['undated'],
    );
  }
});

test('an image that runs as root, or as a name that only it can resolve, is rejected', () => {
  for (const user of [undefined, '', '0', '0:0', 'root', 'node']) {
    const { user: _, ...image } = imageFrom(good());
    const found = violationsOf({ ...image, ...(user !== undefined && { user }) }, LOCKED, NOW);
    assert.deepEqual(
      found.map(({ check }) => check),
      ['runs-as-root'],
      `user ${user}`,
    );
  }
});

test('files with the name or the content of a secret are rejected', () => {
  const begin = '-----BEGIN';
  const secrets: Made = {
    '/app/.npmrc': 'cafile=/x',
    '/app/apps/test/.env': 'A=1',
    '/app/data/server.key': 'x',
    '/app/data/id_ed25519': 'x',
    '/app/data/.ssh/config': 'x',
    '/app/data/site-ca.crt': 'x',
    '/app/apps/test/a.ts': `const key = '${begin} EC PRIVATE KEY-----';`,
    '/app/apps/test/b.ts': '//registry.example/:_authToken = abc',
    '/app/apps/test/c.ts': `const id = '${'AKIA'}ABCDEFGHIJKLMNOP';`,
    '/app/apps/test/d.ts': `const token = '${'ghp_'}${'a1'.repeat(18)}';`,
    '/app/apps/test/e.ts': `fetch('https://${'me:pass'}@proxy.example/');`,
  };
  for (const [path, file] of Object.entries(secrets)) {
    assert.ok(rejectedBy({ [path]: file }).includes('secret'), path);
  }
});

test('what a build has left over is rejected', () => {
  for (const path of [
    '/root/.cache/x',
    '/tmp/x',
    '/run/site/x',
    '/var/lib/apt/lists/x',
    '/var/log/dpkg.log',
  ]) {
    assert.ok(rejectedBy({ [path]: 'x' }).includes('leftover'), path);
  }
});

test('a shell is rejected by any of its names, as a file or as a link to one', () => {
  for (const name of ['sh', 'bash', 'dash', 'busybox', 'zsh']) {
    assert.ok(rejectedBy({ [`/usr/bin/${name}`]: { content: 'x', mode: 0o755 } }).includes('shell'), name);
  }
  assert.ok(rejectedBy({ '/opt/ash': { target: '/usr/local/bin/node' } }).includes('shell'));
  assert.deepEqual(
    rejectedBy({ '/usr/share/sh': 'a text' }),
    ['unexplained'],
    'what cannot be run is no shell',
  );
});

test('package managers, interpreters, compilers and downloaders are rejected', () => {
  for (const name of ['apt-get', 'dpkg', 'npm', 'perl5.40.1', 'python3.13', 'mawk', 'gcc', 'curl', 'su']) {
    assert.ok(rejectedBy({ [`/usr/bin/${name}`]: { content: 'x', mode: 0o755 } }).includes('tool'), name);
  }
  const npm = '/usr/local/lib/node_modules/npm/package.json';
  assert.ok(rejectedBy({ [npm]: '{"name":"npm","version":"11.0.0"}' }).includes('tool'));
});

test("an image made from a month-old state of Debian's archive is due for a rebuild, and so is one of unknown age", () => {
  const late = violationsOf(imageFrom(good()), LOCKED, new Date('2099-02-09T00:00:00Z'));
  assert.deepEqual(
    late.map(({ check }) => check),
    ['rebuild-due'],
  );
  assert.match(late[0]!.message, /31 days ago/);
  const ahead = violationsOf(imageFrom(good()), LOCKED, new Date('2099-01-01T00:00:00Z'));
  assert.match(ahead.find(({ check }) => check === 'rebuild-due')?.message ?? '', /of 8 days from now/);
  const undated = violations({ '/usr/share/sbom/noaa-test.cdx.json': '{"components":[]}' });
  assert.ok(undated.some(({ check }) => check === 'rebuild-due'));
});

test('a program that is no test data is read as its linker wrote it', () => {
  const node = readElf(readFileSync(process.execPath));
  assert.equal(node.bits, 64);
  assert.equal(node.machine, { x64: 'x86-64', arm64: 'aarch64' }[process.arch as string]);
  assert.match(node.interpreter ?? '', /^\/lib.*\/ld-linux/);
  assert.ok(
    node.needed.includes('libc.so.6') && node.needed.includes('libstdc++.so.6'),
    node.needed.join(' '),
  );
});
