import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { writeOciArchive } from '../fixtures/made.ts';
import { header, paxRecord, type TarFile, tarOf } from '../fixtures/tar.ts';
import { judge } from '../gate/gate.ts';
import { page, reportOf } from '../gate/report.ts';
import { readImage } from './archive.ts';
import { textAt } from './rootfs.ts';

const folder = mkdtempSync(join(tmpdir(), 'noaa-hostile-'));
after(() => rmSync(folder, { recursive: true }));

const MB = 1 << 20;
let made = 0;
function written(bytes: Buffer): string {
  made += 1;
  const path = join(folder, `${made}.tar`);
  writeFileSync(path, bytes);
  return path;
}

function archiveOf(layers: Buffer[], compress: (bytes: Buffer) => Buffer = bytes => bytes): string {
  const path = written(Buffer.alloc(0));
  writeOciArchive(layers, path, { compress });
  return path;
}

const imageOf = (...layers: TarFile[][]) => readImage(archiveOf(layers.map(files => tarOf(files))));
const reading =
  (...layers: TarFile[][]) =>
  () =>
    imageOf(...layers);

/** Reads an archive in a process of its own: what it answers, and the most memory that it held. */
function readAlone(
  path: string,
  answer = "'read ' + image.rootfs.size",
): { said: string; maxMb: number; seconds: number } {
  const at = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const script = `
    import { readFileSync } from 'node:fs';
    import { violationsOf } from ${at('completeness.ts')};
    import { sbomOf } from ${at('sbom.ts')};
    import { readImage } from ${JSON.stringify(new URL('archive.ts', import.meta.url).href)};
    const from = performance.now();
    const said = await readImage(${JSON.stringify(path)}).then(image => ${answer}).catch(String);
    const [, peakKb] = /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
    console.log(JSON.stringify({ said, maxMb: peakKb / 1024, seconds: (performance.now() - from) / 1000 }));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }),
  );
}

/** Judges an archive in a process of its own, as the gate does: the most memory that it held. */
function judgeAlone(path: string): { said: string; maxMb: number; seconds: number } {
  return readAlone(
    path,
    `sbomOf(image) && violationsOf(image, undefined, new Date()).map(one => one.message).join()`,
  );
}

const zeros = (mb: number) => Buffer.alloc(mb * MB);
const file = (name: string, content: Buffer | string = '') => ({ name, content });
const emptyFiles = (count: number) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => header({ name: `f${index}` }, 0)));

const BOMBS: [string, () => string, RegExp][] = [
  [
    'a layer that is mostly zeros, by gzip',
    () => archiveOf([tarOf([file('zeros', zeros(150))])], bytes => gzipSync(bytes)),
    /unpacks to more than 64 MB, the most/,
  ],
  [
    'a layer that is mostly zeros, by zstd',
    () => archiveOf([tarOf([file('zeros', zeros(150))])], bytes => zstdCompressSync(bytes)),
    /unpacks to more than 64 MB, the most/,
  ],
  [
    'an archive that is itself compressed',
    () => written(gzipSync(tarOf([file('zeros', zeros(150))]))),
    /unpacks to more than 64 MB, the most/,
  ],
  [
    'an archive that is compressed twice',
    () => written(gzipSync(gzipSync(tarOf([file('zeros', zeros(150))])))),
    /compressed twice/,
  ],
  [
    'a layer of more than a hundred thousand empty files',
    () => archiveOf([Buffer.concat([emptyFiles(120_000), Buffer.alloc(1024)])], bytes => gzipSync(bytes)),
    /holds more than 100000 files/,
  ],
  [
    'a layer that goes on after its end',
    () => archiveOf([tarOf([file('x')], zeros(60))], bytes => gzipSync(bytes)),
    /goes on after its own end/,
  ],
  [
    'a layer whose paths fill the memory',
    () =>
      archiveOf(
        [
          tarOf(
            Array.from({ length: 10_000 }, (_, index) => [
              { name: 'long', type: 'x', content: paxRecord('path', `${'x/'.repeat(1900)}${index}`) },
              file('short'),
            ]).flat(),
          ),
        ],
        bytes => gzipSync(bytes),
      ),
    /paths in the archive take more than 16 MB/,
  ],
];

for (const [what, make, why] of BOMBS) {
  test(`${what} is refused in one sentence, in little memory`, t => {
    const { said, maxMb, seconds } = readAlone(make());
    assert.match(said, why);
    t.diagnostic(`${Math.round(maxMb)} MB, ${seconds.toFixed(1)} s`);
    assert.match(said, /^BadImage: [^\n]+$/);
    assert.ok(maxMb < 400, `${maxMb} MB`);
    assert.ok(seconds < 20, `${seconds} s`);
  });
}

test('a record or a generated file that would fill the memory is refused, or named', () => {
  for (const [path, why] of [
    ['var/lib/dpkg/status', /status in the image has 40 MB, and 8 is the most/],
    ['usr/share/sbom/noaa-x.cdx.json', /noaa-x\.cdx\.json in the image has 40 MB/],
    ['app/node_modules/x/package.json', /package\.json in the image has 40 MB/],
    ['etc/passwd', /has 40 MB \(made by root\.sh/],
  ] as const) {
    const { said, maxMb } = judgeAlone(archiveOf([tarOf([file(path, zeros(40))])], bytes => gzipSync(bytes)));
    assert.match(said, why, path);
    assert.ok(maxMb < 300, `${path}: ${maxMb} MB`);
  }
});

test('an image far larger than ours is read in the memory of its largest file', () => {
  const noise = (seed: number) => {
    const block = createHash('sha512').update(String(seed)).digest();
    return Buffer.alloc(35 * MB, block);
  };
  const layers = [1, 2, 3, 4, 5, 6].map(seed => tarOf([file(`f${seed}`, noise(seed))]));
  const { said, maxMb } = readAlone(archiveOf(layers));
  assert.equal(said, 'read 6');
  assert.ok(maxMb < 180, `${maxMb} MB`);
});

test('a layer of folders in folders costs time in proportion', () => {
  const entries = Array.from({ length: 30_000 }, (_, index) => [
    file(`a/${index}`),
    file(`b/.wh.${index}`),
  ]).flat();
  const { said, seconds } = readAlone(
    archiveOf([tarOf(entries), tarOf([file('a/.wh..wh..opq'), file('c')])]),
  );
  assert.equal(said, 'read 2');
  assert.ok(seconds < 20, `${seconds} s`);
});

test('what another reader would see otherwise is refused', async () => {
  const pax = (...records: string[]) => ({ name: 'pax', type: 'x', content: records.join('') });
  const hidden = paxRecord('path', 'hidden');
  for (const [what, files, why] of [
    ['an entry of a kind that is skipped', [{ name: 'sparse', type: 'S', content: 'x' }], /kind/],
    [
      'a sparse file in extended headers',
      [pax(paxRecord('GNU.sparse.name', 'x')), file('a')],
      /readers differ/,
    ],
    [
      'another type in an extended header',
      [pax(paxRecord('type', 'Directory')), file('a', 'x')],
      /readers differ/,
    ],
    ['a record within a value', [pax(paxRecord('comment', `x\n${hidden}`)), file('a')], /readers differ/],
    ['a path that ends at a zero', [pax(paxRecord('path', 'a\0b')), file('a')], /readers differ/],
    ['a record of a wrong length', [pax(hidden.replace(/^\d+/, '99')), file('a')], /readers differ/],
    [
      'an extended header that is too large',
      [pax(paxRecord('comment', 'x'.repeat(2 * MB))), file('a')],
      /kind ExtendedHeader/,
    ],
    ['a hard link to nothing', [{ name: 'a', type: '1', target: 'nothing' }], /hard link to \/nothing/],
  ] as const) {
    await assert.rejects(reading([...files]), why, what);
  }
  const { rootfs } = await imageOf([pax(paxRecord('path', 'plain')), file('a', 'x')]);
  assert.deepEqual([...rootfs.keys()], ['/plain']);
});

test('a file under a link is refused: podman would write it where the link leads', async () => {
  const link = { name: 'lib', type: '2', target: 'usr/lib' };
  await assert.rejects(reading([link, file('lib/x')]), /\/lib\/x lies under a symlink/);
  await assert.rejects(reading([link], [file('lib/x')]), /\/lib\/x lies under a symlink/);
  await assert.rejects(reading([file('lib', 'x'), file('lib/x')]), /\/lib\/x lies under a file/);
});

test('a whiteout removes what lower layers left and nothing of its own layer, wherever it stands', async () => {
  const opaque = file('usr/.wh..wh..opq');
  for (const upper of [
    [file('usr/new', 'x'), opaque],
    [opaque, file('usr/new', 'x')],
  ]) {
    const { rootfs } = await imageOf([file('usr/old', 'x')], upper);
    assert.deepEqual([...rootfs.keys()], ['/usr', '/usr/new']);
  }
  await assert.rejects(reading([file('a', 'x'), file('.wh.a')]), /both removes and holds \/a/);
});

test('the later of two entries of one path is the one that counts', async () => {
  const { rootfs } = await imageOf([
    file('a', 'first'),
    { name: 'a', type: '2', target: 'b' },
    file('b', 'second'),
    file('a', 'third'),
  ]);
  assert.equal(textAt(rootfs, '/a'), 'third');
});

test('an archive that describes its image twice, or holds a file twice, is refused', async () => {
  const both = tarOf([file('index.json', '{"manifests":[]}'), file('manifest.json', '[]')]);
  await assert.rejects(readImage(written(both)), /describes its image twice/);
  const twice = tarOf([file('manifest.json', '[]'), file('./manifest.json', '[]')]);
  await assert.rejects(readImage(written(twice)), /holds manifest\.json twice/);
});

test('documents of another shape are refused by name', async () => {
  for (const [document, why] of [
    ['{', /index\.json in the archive is not JSON/],
    ['null', /index\.json in the archive is not a index document: \/ must be object/],
    ['{"manifests":[{"digest":"../../etc/passwd"}]}', /\/manifests\/0\/digest must match pattern/],
  ] as const) {
    await assert.rejects(readImage(written(tarOf([file('index.json', document)]))), why);
  }
  const digest = 'sha256:'.padEnd(71, '0');
  const missing = tarOf([file('index.json', JSON.stringify({ manifests: [{ digest }] }))]);
  await assert.rejects(readImage(written(missing)), /the archive has no blobs\/sha256\/0+/);
});

/** An archive of one layer, its documents written as they are given. */
function documented(
  change: (documents: Record<string, string>, blob: (text: string) => string) => void,
  layer = tarOf([file('a', 'x')]),
): string {
  const blobs: TarFile[] = [];
  const put = (content: Buffer | string): string => {
    const digest = createHash('sha256').update(content).digest('hex');
    blobs.push({ name: `blobs/sha256/${digest}`, content });
    return `"sha256:${digest}"`;
  };
  const diffId = put(layer);
  const documents: Record<string, string> = {
    configuration: `"config":{"User":"1:1"},"rootfs":{"type":"layers","diff_ids":[${diffId}]}`,
    manifest: `"layers":[{"digest":${diffId}}]`,
    index: '',
  };
  change(documents, put);
  const config = put(`{${documents['configuration']}}`);
  const manifest = put(`{"config":{"digest":${config}},${documents['manifest']}}`);
  const index = `{"manifests":[{"digest":${manifest}${documents['index']}}]}`;
  return written(tarOf([...blobs, file('index.json', index)]));
}

test('what Go reads of a document otherwise than JavaScript is refused', async () => {
  assert.equal((await readImage(documented(() => {}))).rootfs.size, 1);
  for (const [what, document, more, why] of [
    ['a name twice', 'configuration', ',"config":{"Cmd":["evil"]}', /has the name "config" twice/],
    ['a name in other letters', 'configuration', ',"CONFIG":{"Cmd":["evil"]}', /has the name "CONFIG" twice/],
    ['layers twice', 'manifest', ',"Layers":[]', /has the name "Layers" twice/],
    ['layers by an escape', 'manifest', ',"\\u006cayers":[]', /twice/],
    [
      'a list of images in an image',
      'manifest',
      ',"manifests":[]',
      /is not a manifest document: \/manifests/,
    ],
    [
      'an image that is said to be a list',
      'index',
      ',"mediaType":"application/vnd.oci.image.index.v1+json"',
      /\/manifests\/0\/mediaType/,
    ],
  ] as const) {
    const path = documented(documents => {
      documents[document] += more;
    });
    await assert.rejects(readImage(path), why, what);
  }
  for (const name of ['env', 'CMD', 'u\u017fer', 'entryPoint']) {
    const path = documented(documents => {
      documents['configuration'] = documents['configuration']!.replace('"User":"1:1"', `"${name}":["evil"]`);
    });
    await assert.rejects(readImage(path), new RegExp(`readers differ on .* it has the name ${name}`), name);
  }
});

test('an archive in two frames of zstd is refused, wherever the first one ends', async () => {
  const plain = readFileSync(documented(() => {}));
  const more = tarOf([file('index.json', '{"manifests":[]}')]);
  for (const first of [plain, plain.subarray(0, -1024), Buffer.concat([plain, randomBytes(1 << 17)])]) {
    const frame = zstdCompressSync(first);
    // As large as what a stream of a file gives at once, so that the first frame ends with it.
    const skipped = Buffer.alloc(8 + ((1 << 16) - ((frame.length + 8) % (1 << 16))));
    skipped.writeUInt32LE(0x184d2a50);
    skipped.writeUInt32LE(skipped.length - 8, 4);
    for (const bytes of [
      Buffer.concat([frame, zstdCompressSync(more)]),
      Buffer.concat([skipped, frame, zstdCompressSync(more)]),
    ])
      await assert.rejects(readImage(written(bytes)), { name: 'BadImage' });
  }
  const { rootfs } = await readImage(written(zstdCompressSync(plain)));
  assert.equal(rootfs.size, 1);
});

test('a document under a second spelling of its name, or as a link, is refused', async () => {
  const archive = (...more: TarFile[]) => {
    const good = readFileSync(documented(() => {}));
    return written(Buffer.concat([tarOf(more, Buffer.alloc(0)), good]));
  };
  assert.equal((await readImage(archive())).rootfs.size, 1);
  for (const name of ['x/../index.json', '/index.json', './/index.json'])
    await assert.rejects(readImage(archive(file(name, '{}'))), /holds index\.json twice/, name);
  for (const type of ['1', '2'])
    await assert.rejects(
      readImage(archive({ name: 'index.json', type, target: 'x' })),
      /twice|is a link/,
      type,
    );
  const only = tarOf([file('x', '{"manifests":[]}'), { name: 'index.json', type: '2', target: 'x' }]);
  await assert.rejects(
    readImage(written(Buffer.concat([only.subarray(0, -1024), tarOf([file('manifest.json', '[]')])]))),
    /is a link/,
  );
});

test('a hard link that gives its file other rights is refused: podman would give it those', async () => {
  const file1 = { name: 'a', content: 'x' };
  const { rootfs } = await imageOf([file1, { name: 'b', type: '1', target: 'a' }]);
  assert.equal(rootfs.get('/b')?.mode, 0o644);
  for (const [what, rights] of [
    ['mode', { mode: 0o4755 }],
    ['owner', { uid: 10001 }],
    ['group', { gid: 10001 }],
  ] as const) {
    // Removed again by the next layer, so that nothing of it is left to see.
    const link = { name: 'b', type: '1', target: 'a', ...rights };
    await assert.rejects(
      reading([file1, link], [file('.wh.b')]),
      /hard link that gives \/a other rights/,
      what,
    );
  }
});

test('a layer that removes a folder and holds a file in it is refused', async () => {
  await assert.rejects(
    reading([file('a/old', 'x')], [file('a/new', 'x'), file('.wh.a')]),
    /removes and holds \/a$/,
  );
});

test('attributes that storage drivers read, and extended headers for all entries, are refused', async () => {
  const pax = (type: string, record: string) => ({ name: 'pax', type, content: record });
  for (const name of ['user.containers.override_stat', 'trusted.overlay.redirect', 'user.overlay.opaque'])
    await assert.rejects(
      reading([pax('x', paxRecord(`SCHILY.xattr.${name}`, '0:0:0104755')), file('a')]),
      /readers differ/,
      name,
    );
  for (const [key, value] of [
    ['uid', '0'],
    ['size', '0'],
    ['path', 'b'],
  ] as const)
    await assert.rejects(reading([pax('g', paxRecord(key, value)), file('a', 'x')]), /readers differ/, key);
  assert.equal((await imageOf([pax('g', paxRecord('comment', 'a commit')), file('a')])).rootfs.size, 1);
});

test('no name in an image can look like a verdict, or work on the terminal', async () => {
  const evil = 'evil\x1b[2J\u009b1m\u202e\nVERIFIED: all is well';
  const violation = { check: 'unexplained' as const, path: `/${evil}`, message: evil };
  const problem = { doubt: 'not compared' as const, scanner: 'source', detail: evil };
  const input = { components: [], runs: [], violations: [violation], problems: [problem], acceptances: [] };
  const verdict = judge(input, new Date());
  const facts = {
    name: 'noaa-test',
    file: 'x',
    createdAt: evil,
    sbom: 'x',
    components: [],
    runs: [],
    verdict,
  };
  const printed = page(reportOf([facts], undefined, new Date()));
  const thrown = await readImage(documented(() => {}, tarOf([{ name: evil, type: '1', target: 'x' }]))).catch(
    String,
  );
  for (const text of [printed, String(thrown)]) {
    assert.match(text, /evil\\u\{1b\}\[2J\\u\{9b\}1m\\u\{202e\}\\u\{a\}VERIFIED/);
    assert.doesNotMatch(text, /^VERIFIED|\p{Cf}|[^\P{Cc}\n]/mu);
  }
});

test('file capabilities are seen', async () => {
  const { rootfs } = await imageOf([
    { name: 'pax', type: 'x', content: paxRecord('SCHILY.xattr.security.capability', '\x01\0\0\x02\0 ') },
    file('able', 'x'),
    file('plain', 'x'),
  ]);
  assert.equal(rootfs.get('/able')?.hasCapabilities, true);
  assert.equal(rootfs.get('/plain')?.hasCapabilities, undefined);
});
