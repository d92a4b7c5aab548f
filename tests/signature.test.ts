import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { good, imageFrom } from '../verify/fixtures/made.ts';
import { provenanceOf } from '../verify/image/provenance.ts';
import { sbomOf } from '../verify/image/sbom.ts';

const SIGNATURE = fileURLToPath(new URL('../verify/host/signature', import.meta.url));
const COSIGN = fileURLToPath(new URL('support/cosign', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'noaa-signature-'));
const signed = join(folder, 'signed');
const archive = 'noaa-redactor.oci.tar';
let cosign = '';
after(() => rmSync(folder, { recursive: true }));

function signature(
  args: string[],
  path = `${cosign}:${process.env['PATH']}`,
  home = folder,
): Promise<{ code: number; said: string }> {
  return new Promise(done => {
    execFile(
      SIGNATURE,
      args,
      {
        // A folder of XDG that is not absolute is passed over.
        env: { PATH: path, HOME: home, XDG_STATE_HOME: 'state', COSIGN_PASSWORD: 'a password' },
        encoding: 'utf8',
        timeout: 60_000,
      },
      (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    );
  });
}

/** An archive of an image as far as the document that may name it, which is all that is read here. */
function writeArchive(path: string, document: 'index.json' | 'manifest.json', content: object): void {
  const at = mkdtempSync(join(folder, 'image-'));
  writeFileSync(join(at, document), JSON.stringify(content, null, 2));
  execFileSync('tar', ['--force-local', '-cf', path, '-C', at, document]);
}

/** Signs an archive with what must lie beside it. */
async function sign(path: string, createdAt = '2099-01-10T00:00:00Z', version = '1.2.3'): Promise<void> {
  const labels = { 'org.opencontainers.image.version': version };
  const image = { ...imageFrom(good()), createdAt, labels };
  const beside = path.replace(/\..*$/, '');
  writeFileSync(`${beside}.cdx.json`, JSON.stringify(sbomOf(image)));
  writeFileSync(`${beside}.provenance.json`, JSON.stringify(provenanceOf(image)));
  const { code, said } = await signature(['sign', join(folder, 'noaa.key'), path]);
  assert.equal(code, 0, said);
}

/** The signed files once more, to be harmed. */
function copy(): string {
  const to = mkdtempSync(join(folder, 'copy-'));
  cpSync(signed, to, { recursive: true });
  return to;
}

const verify = (at: string, key = join(folder, 'noaa.pub')) => signature(['verify', key, join(at, archive)]);

before(async () => {
  cosign = execFileSync(COSIGN, { encoding: 'utf8' }).trim();
  mkdirSync(signed);
  assert.equal((await signature(['key', folder])).code, 0);
  writeArchive(join(signed, archive), 'index.json', { manifests: [{ digest: 'sha256:0' }] });
  await sign(join(signed, archive));
});

test('an archive that was signed is accepted, offline and without an account', async () => {
  const { code, said } = await verify(signed);
  assert.equal(code, 0, said);
  assert.match(said, /is as it was signed/);
});

test('what was attested is the SBOM and the provenance, of this very archive', () => {
  const statement = (file: string) =>
    JSON.parse(
      Buffer.from(JSON.parse(readFileSync(join(signed, file), 'utf8')).payload, 'base64').toString(),
    );
  const sbom = statement('noaa-redactor.sbom.att');
  const digest = execFileSync('sha256sum', [join(signed, archive)], { encoding: 'utf8' }).slice(0, 64);
  assert.equal(sbom.subject[0].digest.sha256, digest);
  assert.deepEqual(sbom.predicate, JSON.parse(readFileSync(join(signed, 'noaa-redactor.cdx.json'), 'utf8')));
  const provenance = statement('noaa-redactor.provenance.att');
  assert.equal(provenance.predicateType, 'https://slsa.dev/provenance/v1');
  assert.equal(provenance.subject[0].digest.sha256, digest);
});

test('an archive of which one byte differs is refused', async () => {
  const at = copy();
  writeFileSync(join(at, archive), 'the bytes of an archivf');
  const { code, said } = await verify(at);
  assert.equal(code, 1, said);
  assert.match(said, /its signature is not of this key and this archive/);
});

test('an archive that someone else has signed is refused', async () => {
  const other = mkdtempSync(join(folder, 'other-'));
  assert.equal((await signature(['key', other])).code, 0);
  const { code, said } = await verify(signed, join(other, 'noaa.pub'));
  assert.equal(code, 1, said);
});

test('an archive without its signature or one of its attestations is refused', async () => {
  for (const file of [`${archive}.sig`, 'noaa-redactor.sbom.att', 'noaa-redactor.provenance.att']) {
    const at = copy();
    rmSync(join(at, file));
    // A pipe is no file, and would be waited for.
    if (file.endsWith('.sig')) execFileSync('mkfifo', [join(at, file)]);
    const { code, said } = await verify(at);
    assert.equal(code, 1, said);
    assert.match(said, /is missing/);
  }
});

test("another archive's attestation is refused, though it is of the same key", async () => {
  const at = copy();
  writeFileSync(join(at, 'noaa-other.oci.tar'), 'other bytes');
  await sign(join(at, 'noaa-other.oci.tar'));
  cpSync(join(at, 'noaa-other.sbom.att'), join(at, 'noaa-redactor.sbom.att'));
  const { code, said } = await verify(at);
  assert.equal(code, 1, said);
  assert.match(said, /its SBOM attestation is not of this key and this archive/);
});

/** What lies beside an archive, by its ending. */
const BESIDE = [
  'oci.tar',
  'oci.tar.sig',
  'cdx.json',
  'provenance.json',
  'sbom.att',
  'provenance.att',
  'release',
  'release.sig',
];

test('what was signed says which service and version it is, when it was built, and the digest of each file', () => {
  const [form, ...lines] = readFileSync(join(signed, 'noaa-redactor.release'), 'utf8').trim().split('\n');
  assert.equal(form, 'noaa-pod release 1');
  const said = new Map(lines.map(line => [line.split(' ')[0], line.split(' ')[1]]));
  assert.equal(said.get('name'), 'noaa-redactor');
  assert.equal(said.get('version'), '1.2.3');
  assert.equal(said.get('built'), '2099-01-10T00:00:00Z');
  for (const ending of ['cdx.json', 'provenance.json', 'sbom.att', 'provenance.att']) {
    const path = join(signed, `noaa-redactor.${ending}`);
    assert.equal(
      said.get(ending),
      execFileSync('sha256sum', [path], { encoding: 'utf8' }).slice(0, 64),
      ending,
    );
  }
});

test('an SBOM, an origin or an attestation exchanged for another signed one is refused', async () => {
  const at = copy();
  // The very same archive, signed a second time with another SBOM and another origin.
  const again = copy();
  await sign(join(again, archive), '2099-01-11T00:00:00Z', '1.2.4');
  writeFileSync(join(again, 'noaa-redactor.cdx.json'), '{"components":[]}');
  for (const file of ['cdx.json', 'provenance.json', 'sbom.att', 'provenance.att']) {
    const harmed = copy();
    cpSync(join(again, `noaa-redactor.${file}`), join(harmed, `noaa-redactor.${file}`));
    const { code, said } = await verify(harmed);
    assert.equal(code, 1, `${file}: ${said}`);
    assert.match(
      said,
      new RegExp(`noaa-redactor\\.${file.replace('.', '\\.')} is not the one that was signed with it`),
    );
  }
  assert.equal((await verify(at)).code, 0);
});

test('an SBOM or an origin that is missing is refused', async () => {
  for (const file of ['cdx.json', 'provenance.json']) {
    const at = copy();
    rmSync(join(at, `noaa-redactor.${file}`));
    const { code, said } = await verify(at);
    assert.equal(code, 1, said);
    assert.match(said, /is missing, which was signed with it/);
  }
});

test('an archive renamed to another service, with all that lies beside it, is refused', async () => {
  const at = copy();
  for (const ending of BESIDE)
    cpSync(join(at, `noaa-redactor.${ending}`), join(at, `noaa-playback.${ending}`));
  const bin = podman();
  for (const ran of [
    await signature(['verify', join(folder, 'noaa.pub'), join(at, 'noaa-playback.oci.tar')]),
    await load(bin, join(at, 'noaa-playback.oci.tar')),
  ]) {
    assert.equal(ran.code, 1, ran.said);
    assert.match(ran.said, /was signed as noaa-redactor, and is called noaa-playback here/);
  }
  assert.equal(askedOf(bin), '');
});

test('a statement of release that is missing, altered or of another archive is refused', async () => {
  for (const [harm, why] of [
    [(at: string) => rmSync(join(at, 'noaa-redactor.release')), /statement of release is missing/],
    [
      (at: string) => rmSync(join(at, 'noaa-redactor.release.sig')),
      /signature of its statement of release is missing/,
    ],
    [
      (at: string) => appendFileSync(join(at, 'noaa-redactor.release'), 'name noaa-playback\n'),
      /statement of release is not of this key/,
    ],
  ] as const) {
    const at = copy();
    harm(at);
    const { code, said } = await verify(at);
    assert.equal(code, 1, said);
    assert.match(said, why);
  }
  const other = copy();
  writeArchive(join(other, archive), 'index.json', { manifests: [{ digest: 'sha256:1' }] });
  await sign(join(other, archive));
  const at = copy();
  for (const ending of ['release', 'release.sig'])
    cpSync(join(other, `noaa-redactor.${ending}`), join(at, `noaa-redactor.${ending}`));
  const { code, said } = await verify(at);
  assert.equal(code, 1, said);
  assert.match(said, /is not the archive of its statement of release/);
});

test('an older signed archive than the one loaded last is refused, unless it is asked for', async () => {
  const home = mkdtempSync(join(folder, 'home-'));
  const bin = podman();
  const path = `${bin}:${cosign}:${process.env['PATH']}`;
  const archives = new Map<string, string>();
  for (const day of ['10', '11', '12']) {
    const at = join(copy(), archive);
    await sign(at, `2099-01-${day}T00:00:00Z`, `1.0.${day}`);
    archives.set(day, at);
  }
  const pub = join(folder, 'noaa.pub');
  const loading = (day: string, ...options: string[]) =>
    signature(['load', ...options, pub, archives.get(day)!], path, home);
  assert.equal((await loading('11')).code, 0);
  assert.equal((await loading('11')).code, 0, 'the same one again is not older');
  const asked = askedOf(bin);
  const refused = await loading('10');
  assert.equal(refused.code, 1, refused.said);
  assert.match(
    refused.said,
    /\(version 1\.0\.10, built 2099-01-10T00:00:00Z\) is older than what was loaded last \(version 1\.0\.11, built 2099-01-11T00:00:00Z\)/,
  );
  assert.equal(askedOf(bin), asked, 'podman was not asked for anything more');
  const verified = await signature(['verify', pub, archives.get('10')!], path, home);
  assert.equal(verified.code, 1, verified.said);
  assert.equal((await signature(['verify', '--older', pub, archives.get('10')!], path, home)).code, 0);
  assert.equal((await loading('12')).code, 0);
  assert.equal((await loading('11')).code, 1, 'the newest counts');
  const back = await loading('10', '--older');
  assert.equal(back.code, 0, back.said);
  assert.equal((await loading('11')).code, 0, 'who went back on purpose goes on from there');
});

test('an origin that does not say when the image was built is not signed', async () => {
  const at = copy();
  writeFileSync(join(at, 'noaa-redactor.provenance.json'), '{}');
  const { code, said } = await signature(['sign', join(folder, 'noaa.key'), join(at, archive)]);
  assert.equal(code, 3, said);
  assert.match(said, /does not say when the image was built/);
});

test('of several archives one that is bad is enough to refuse all', async () => {
  const at = copy();
  writeFileSync(join(at, 'noaa-unsigned.tar'), 'x');
  const { code } = await signature([
    'verify',
    join(folder, 'noaa.pub'),
    join(at, archive),
    join(at, 'noaa-unsigned.tar'),
  ]);
  assert.equal(code, 1);
});

test('without cosign nothing is known, which is not the same as a bad signature', async () => {
  const { code, said } = await signature(
    ['verify', join(folder, 'noaa.pub'), join(signed, archive)],
    '/usr/bin:/bin',
  );
  assert.equal(code, 3, said);
  assert.match(said, /cosign is missing/);
});

/** A podman that says what it was asked to do. It answers with an id that tells the archives apart. */
function podman(load = `printf 'Loaded image: sha256:%s\n' "$(cksum <"$4" | cut -d ' ' -f 1)"`): string {
  const bin = mkdtempSync(join(folder, 'podman-'));
  const log = join(bin, 'log');
  writeFileSync(log, '');
  const program = `#!/bin/sh\necho "$*" >>${log}\n[ "$1" != load ] || { ${load}; }\n`;
  writeFileSync(join(bin, 'podman'), program, { mode: 0o755 });
  return bin;
}

function load(bin: string, ...archives: string[]) {
  const options = archives[0] === '--older' ? archives.splice(0, 1) : [];
  return signature(
    ['load', ...options, join(folder, 'noaa.pub'), ...archives],
    `${bin}:${cosign}:${process.env['PATH']}`,
  );
}
const askedOf = (bin: string) => readFileSync(join(bin, 'log'), 'utf8');
const idOf = (path: string) => `sha256:${execFileSync('cksum', [path], { encoding: 'utf8' }).split(' ')[0]}`;

test('signed archives are given to podman as candidates, and none of them is while one is bad', async () => {
  const bin = podman();
  const at = copy();
  // tar takes what is before a colon for the name of a host.
  const other = join(at, 'noaa-playback.12:30.tar');
  writeArchive(other, 'manifest.json', [{ Config: 'x', RepoTags: null }]);
  const refused = await load(bin, join(at, archive), other);
  assert.equal(refused.code, 1, refused.said);
  assert.equal(askedOf(bin), '');
  await sign(other);
  const loaded = await load(bin, join(at, archive), other);
  assert.equal(loaded.code, 0, loaded.said);
  assert.equal(
    askedOf(bin),
    [
      `load --quiet --input ${archive}`,
      'load --quiet --input noaa-playback.12:30.tar',
      `tag ${idOf(join(at, archive))} localhost/noaa-redactor:candidate`,
      `tag ${idOf(other)} localhost/noaa-playback:candidate`,
      '',
    ].join('\n'),
  );
});

test('an archive that carries a name is not loaded, since podman would move that name to it', async () => {
  const annotations = { 'org.opencontainers.image.ref.name': 'localhost/noaa-redactor:latest' };
  for (const [document, content] of [
    ['index.json', { manifests: [{ digest: 'sha256:0', annotations }] }],
    ['manifest.json', [{ Config: 'x', RepoTags: ['localhost/noaa-redactor:latest'] }]],
  ] as const) {
    const bin = podman();
    const at = copy();
    writeArchive(join(at, archive), document, content);
    await sign(join(at, archive));
    const { code, said } = await load(bin, join(at, archive));
    assert.equal(code, 1, said);
    assert.match(said, /noaa-redactor\.oci\.tar carries the name localhost\/noaa-redactor:latest/);
    assert.equal(askedOf(bin), '', document);
  }
});

test('nor is one whose name only podman reads: in other letters, by an escape, in a second document or behind a link', async () => {
  const named = 'localhost/noaa-redactor:latest';
  const index = (key: string) => `{"manifests":[{"digest":"sha256:0","annotations":{"${key}":"${named}"}}]}`;
  const key = 'org.opencontainers.image.ref.name';
  for (const [document, content] of [
    ['manifest.json', `[{"Config":"x","repotags":["${named}"]}]`],
    ['manifest.json', `[{"Config":"x","RepoTags":["${named}"],"RepoTags":[null,"${named}"]}]`],
    ['index.json', index('org.opencontainers.image.ref.n\\u0061me')],
    ['index.json', index(key).replace(']', `,{"annotations":{"${key}":""}}]`)],
    ['Index.json', index(key)],
    ['x/index.json', index(key)],
  ] as const) {
    const bin = podman();
    const at = copy();
    const inside = mkdtempSync(join(folder, 'image-'));
    mkdirSync(join(inside, 'x'));
    writeFileSync(join(inside, document), content);
    const plain = document.includes('manifest') ? 'manifest.json' : 'index.json';
    if (document !== plain) writeFileSync(join(inside, plain), '{"manifests":[]}');
    execFileSync('tar', ['-cf', join(at, archive), '-C', inside, ...new Set([plain, document])]);
    await sign(join(at, archive));
    const { code, said } = await load(bin, join(at, archive));
    assert.equal(code, 1, `${content}: ${said}`);
    assert.match(said, /carries the name|may carry a name|describes its image more than once/);
    assert.equal(askedOf(bin), '', content);
  }
  const bin = podman();
  const at = copy();
  const inside = mkdtempSync(join(folder, 'image-'));
  writeFileSync(join(inside, 'other'), index(key));
  symlinkSync('other', join(inside, 'index.json'));
  execFileSync('tar', ['-cf', join(at, archive), '-C', inside, 'other', 'index.json']);
  await sign(join(at, archive));
  assert.equal((await load(bin, join(at, archive))).code, 1);
  assert.equal(askedOf(bin), '');
});

test('an archive whose name is none of ours, and a second one of the same name, are not loaded', async () => {
  const bin = podman();
  const at = copy();
  cpSync(join(at, archive), join(at, 'anything.oci.tar'));
  await sign(join(at, 'anything.oci.tar'));
  const stray = await load(bin, join(at, archive), join(at, 'anything.oci.tar'));
  assert.equal(stray.code, 2, stray.said);
  assert.match(
    stray.said,
    /anything\.oci\.tar would be loaded as anything, and the images are noaa-playback/,
  );
  const twice = await load(bin, join(at, archive), join(copy(), archive));
  assert.equal(twice.code, 2, twice.said);
  assert.match(twice.said, /is the second archive of noaa-redactor/);
  assert.equal(askedOf(bin), '');
});

test('archives of two versions are not mixed unless asked for, and where podman cannot load one none is named a candidate', async () => {
  const bin = podman('case $4 in *playback*) exit 125 ;; *) echo Loaded image: sha256:1 ;; esac');
  const at = copy();
  const other = join(at, 'noaa-playback.oci.tar');
  cpSync(join(at, archive), other);
  await sign(other, undefined, '1.2.2');
  const mixed = await load(bin, join(at, archive), other);
  assert.equal(mixed.code, 1, mixed.said);
  assert.match(
    mixed.said,
    /noaa-playback\.oci\.tar is of version 1\.2\.2, .*, and the one before it is of version 1\.2\.3, /,
  );
  assert.equal(askedOf(bin), '');
  const { code, said } = await load(bin, '--older', join(at, archive), other);
  assert.equal(code, 3, said);
  assert.match(said, /podman could not load noaa-playback\.oci\.tar/);
  assert.doesNotMatch(askedOf(bin), /^tag/m);
});

test('what is loaded is what was verified, though the archive is replaced in between', async () => {
  const at = copy();
  const digest = idOf(join(at, archive));
  const bin = podman();
  // A cosign after whose last look someone else writes to where the archive lies.
  const late = `#!/bin/sh\n${join(cosign, 'cosign')} "$@" || exit\ncase "$*" in *slsaprovenance1*) echo other >${join(at, archive)} ;; esac\n`;
  writeFileSync(join(bin, 'cosign'), late, { mode: 0o755 });
  const { code, said } = await load(bin, join(at, archive));
  assert.equal(code, 0, said);
  assert.match(askedOf(bin), new RegExp(`^tag ${digest} localhost/noaa-redactor:candidate$`, 'm'));
  assert.equal(readFileSync(join(at, archive), 'utf8'), 'other\n');
});

test('quadlet/noaa install takes signed images, and refuses bad ones before it does anything else', async () => {
  const bin = podman();
  const install = (at: string) =>
    new Promise<{ code: number; said: string }>(done => {
      execFile(
        fileURLToPath(new URL('../quadlet/noaa', import.meta.url)),
        ['install', '--dry-run', '--signed-by', join(folder, 'noaa.pub'), join(at, archive)],
        { env: { PATH: `${bin}:${cosign}:${process.env['PATH']}`, HOME: folder }, encoding: 'utf8' },
        (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), said: stdout + stderr }),
      );
    });
  assert.match((await install(signed)).said, /^\S+ is as it was signed$/m);
  const at = copy();
  writeFileSync(join(at, archive), 'the bytes of an archivf');
  writeFileSync(join(bin, 'log'), '');
  const { code, said } = await install(at);
  assert.equal(code, 1, said);
  assert.match(said, /noaa: not installed: nothing shows that these are the images that were signed/);
  assert.equal(readFileSync(join(bin, 'log'), 'utf8'), '', 'podman was not asked for anything');
});

test('a key is never written over', async () => {
  const { code, said } = await signature(['key', folder]);
  assert.equal(code, 1);
  assert.match(said, /is there already/);
});
