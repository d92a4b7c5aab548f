import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { good, imageFrom } from '../verify/made.ts';
import { provenanceOf } from '../verify/provenance.ts';
import { sbomOf } from '../verify/sbom.ts';

const SIGNATURE = fileURLToPath(new URL('../verify/signature', import.meta.url));
const COSIGN = fileURLToPath(new URL('support/cosign', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'noaa-signature-'));
const signed = join(folder, 'signed');
const archive = 'noaa-test.oci.tar';
let cosign = '';
after(() => rmSync(folder, { recursive: true }));

function signature(
  args: string[],
  path = `${cosign}:${process.env['PATH']}`,
): Promise<{ code: number; said: string }> {
  return new Promise(done => {
    execFile(
      SIGNATURE,
      args,
      { env: { PATH: path, HOME: folder, COSIGN_PASSWORD: 'a password' }, encoding: 'utf8' },
      (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    );
  });
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
  const image = imageFrom(good());
  writeFileSync(join(signed, archive), 'the bytes of an archive');
  writeFileSync(join(signed, 'noaa-test.cdx.json'), JSON.stringify(sbomOf(image)));
  writeFileSync(join(signed, 'noaa-test.provenance.json'), JSON.stringify(provenanceOf(image)));
  assert.equal((await signature(['key', folder])).code, 0);
  const { code, said } = await signature(['sign', join(folder, 'noaa.key'), join(signed, archive)]);
  assert.equal(code, 0, said);
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
  const sbom = statement('noaa-test.sbom.att');
  const digest = execFileSync('sha256sum', [join(signed, archive)], { encoding: 'utf8' }).slice(0, 64);
  assert.equal(sbom.subject[0].digest.sha256, digest);
  assert.deepEqual(sbom.predicate, JSON.parse(readFileSync(join(signed, 'noaa-test.cdx.json'), 'utf8')));
  const provenance = statement('noaa-test.provenance.att');
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
  for (const file of [`${archive}.sig`, 'noaa-test.sbom.att', 'noaa-test.provenance.att']) {
    const at = copy();
    rmSync(join(at, file));
    const { code, said } = await verify(at);
    assert.equal(code, 1, said);
    assert.match(said, /is missing/);
  }
});

test("another archive's attestation is refused, though it is of the same key", async () => {
  const at = copy();
  writeFileSync(join(at, 'noaa-other.oci.tar'), 'other bytes');
  cpSync(join(at, 'noaa-test.cdx.json'), join(at, 'noaa-other.cdx.json'));
  cpSync(join(at, 'noaa-test.provenance.json'), join(at, 'noaa-other.provenance.json'));
  assert.equal((await signature(['sign', join(folder, 'noaa.key'), join(at, 'noaa-other.oci.tar')])).code, 0);
  cpSync(join(at, 'noaa-other.sbom.att'), join(at, 'noaa-test.sbom.att'));
  const { code, said } = await verify(at);
  assert.equal(code, 1, said);
  assert.match(said, /its SBOM attestation is not of this key and this archive/);
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

/** A podman that says what it was asked to do. */
function podman(): string {
  const bin = mkdtempSync(join(folder, 'podman-'));
  const log = join(bin, 'log');
  const program = `#!/bin/sh\necho "$*" >>${log}\n[ "$1" != load ] || echo 'Loaded image: localhost/noaa-test:latest'\n`;
  writeFileSync(log, '');
  writeFileSync(join(bin, 'podman'), program, { mode: 0o755 });
  return bin;
}

test('signed archives are given to podman as candidates, and none of them is while one is bad', async () => {
  const bin = podman();
  const path = `${bin}:${cosign}:${process.env['PATH']}`;
  const key = join(folder, 'noaa.pub');
  const at = copy();
  writeFileSync(join(at, 'noaa-unsigned.tar'), 'x');
  const refused = await signature(['load', key, join(at, archive), join(at, 'noaa-unsigned.tar')], path);
  assert.equal(refused.code, 1, refused.said);
  assert.equal(readFileSync(join(bin, 'log'), 'utf8'), '');
  const loaded = await signature(['load', key, join(at, archive)], path);
  assert.equal(loaded.code, 0, loaded.said);
  assert.equal(
    readFileSync(join(bin, 'log'), 'utf8'),
    `load --quiet --input ${join(at, archive)}\ntag localhost/noaa-test:latest localhost/noaa-test:candidate\n`,
  );
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
