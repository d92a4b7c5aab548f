import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { good, imageFrom } from '../fixtures/made.ts';
import { tarOf } from '../fixtures/tar.ts';
import { sbomOf } from '../image/sbom.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const VERIFY = join(HERE, '..');
const folder = mkdtempSync(join(tmpdir(), 'noaa-scan-'));
after(() => rmSync(folder, { recursive: true }));

/** A copy of the script with what it reads. */
const verify = join(folder, 'verify');
for (const file of [
  'host/scan',
  'limits.env',
  ...['canary.cdx.json', 'grype.yaml', 'grype.tmpl'].map(name => `scanners/${name}`),
])
  cpSync(join(VERIFY, file), join(verify, file));

/** The script's own tools and no others: this machine may have scanners. */
const tools = join(folder, 'tools');
mkdirSync(tools);
const TOOLS =
  'sed tr head tail date tar grep dirname sort mktemp mkdir env ls rm gzip cat od iconv readlink find yes'.split(
    ' ',
  );
for (const path of execFileSync('which', TOOLS, { encoding: 'utf8' }).trim().split('\n'))
  symlinkSync(path, join(tools, basename(path)));

/** Programs that answer as trivy and grype do, in as few lines as the script reads. Not recorded: written by hand. */
interface Behaviour {
  blind?: boolean;
  empty?: boolean;
  crash?: boolean;
  finds?: boolean;
  /** Of grype: lines as grype.tmpl has them. */
  says?: string[];
  /** Of either: what it does first, in the shell. */
  first?: string;
  ageHours?: number;
}
const FRESH: Behaviour = { ageHours: 1 };

const date = ({ ageHours = 0 }: Behaviour) => new Date(Date.now() - ageHours * 3_600_000).toISOString();

function trivy(as: Behaviour): string {
  return `${as.first ?? ''}
case "$*" in
version*) echo '{"Version":"0.66.0","VulnerabilityDB":{"Version":2,"UpdatedAt":"${date(as)}"},"JavaDB":{"UpdatedAt":"2020-01-01T00:00:00Z"}}' ;;
*canary*) ${as.blind ? 'echo none' : "echo 'libssl3t64 lodash'"} ;;
*) ${as.crash ? "echo 'FATAL no database' >&2; exit 1" : ':'}
  case "$*" in
  *json*) ${as.empty ? "echo '{}'" : `echo '{"Results":[{"Class":"os-pkgs"}]}'`} ;;
  *) ${as.finds ? "echo 'libc6 CVE-2099-0001'; exit 10" : ':'} ;;
  esac ;;
esac`;
}

const FINDING = 'MEND CVE-2099-0001 in libc6 2.41-12: Unknown, fixed in 2.41-13';

function grype(as: Behaviour): string {
  const lines = as.says ?? [...(as.finds ? [FINDING] : []), 'LOOKED AT debian'];
  return `${as.first ?? ''}
case "$*" in
db*) printf '{\\n "built": "%s",\\n "valid": true\\n}\\n' '${date(as)}' ;;
*canary*) ${as.blind ? 'echo none' : "echo 'libssl3t64 lodash node'"} ;;
*'--output template --template '*/grype.tmpl*)
  ${as.crash ? "echo 'ERROR failed to load vulnerability db' >&2; exit 1" : ''}
  printf '%s\\n' ${lines.map(line => `'${line}'`).join(' ')} ;;
esac`;
}

const sbomOfAge = (days: number) =>
  JSON.stringify({ metadata: { timestamp: new Date(Date.now() - days * 86_400_000).toISOString() } });

function scan(
  programs: Record<string, string>,
  {
    sbom = sbomOfAge(1) as string | null,
    script = verify,
    env = {},
    isOci = false,
    bytes = undefined as Buffer | undefined,
  } = {},
): Promise<{ code: number; said: string }> {
  const at = mkdtempSync(join(folder, 'run-'));
  const bin = join(at, 'bin');
  mkdirSync(bin);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const archive = join(at, 'noaa-test.tar');
  writeFileSync(archive, bytes ?? tarOf([{ name: isOci ? 'oci-layout' : 'manifest.json', content: '{}' }]));
  const beside = join(at, 'noaa-test.cdx.json');
  // A command that makes it.
  if (sbom?.startsWith('|')) execFileSync('sh', ['-c', `${sbom.slice(1)} '${beside}'`]);
  else if (sbom !== null) writeFileSync(beside, sbom);
  return new Promise(done => {
    execFile(
      join(script, 'host/scan'),
      // As one names a file where one is.
      ['noaa-test.tar'],
      { cwd: at, env: { ...env, PATH: `${bin}:${tools}` }, encoding: 'utf8' },
      (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    );
  });
}

test('without Node: two scanners that can see and find nothing pass an image with its SBOM', async () => {
  const { code, said } = await scan({ trivy: trivy(FRESH), grype: grype(FRESH) });
  assert.equal(code, 0, said);
  assert.match(said, /grype's database is 1 hours old/);
});

test('without Node: what either scanner finds fails, and a rebuild is said to be due', async () => {
  for (const [ofTrivy, ofGrype] of [
    [{ ...FRESH, finds: true }, FRESH],
    [FRESH, { ...FRESH, finds: true }],
  ] as const) {
    const { code, said } = await scan({ trivy: trivy(ofTrivy), grype: grype(ofGrype) });
    assert.equal(code, 1, said);
    assert.match(said, /CVE-2099-0001[\s\S]*a rebuild is due/);
  }
});

test('without Node: nothing that a scanner prints of an image works on the terminal', async () => {
  const line = 'CVE-1 in evil\x1b[2J\u009b1m\u202eDEIF\u061cIREV \u00c2\u009b';
  const { code, said } = await scan({
    trivy: `echo '"os-pkgs"'; case "$*" in *exit-code*) printf '%s\\n' '${line}'; exit 10 ;; esac`,
    grype: 'exit 1',
  });
  assert.equal(code, 1, said);
  assert.match(said, /CVE-1 in evil\[2J1mDEIFIREV/);
  assert.doesNotMatch(said, /\p{Cf}|[^\P{Cc}\n]/u);
});

test('without Node: what nobody has rated counts as high for grype too, and medium or less does not', async () => {
  // The judgement is the template's, in Go's language; it was run by Go's own text/template when it was written.
  const template = await templateOf(verify);
  assert.match(
    template,
    /\{\{- if and \.Vulnerability\.Fix\.Versions \(not \(eq \.Vulnerability\.Severity "Medium" "Low" "Negligible"\)\) -\}\}\n *MEND /,
  );
});

/** The template that grype is given. */
async function templateOf(script: string): Promise<string> {
  const given = join(mkdtempSync(join(folder, 'template-')), 'grype.tmpl');
  const first = `for word; do case $word in */grype.tmpl) while read -r line; do printf '%s\\n' "$line"; done <"$word" >${given} ;; esac; done`;
  await scan({ trivy: trivy(FRESH), grype: grype({ ...FRESH, first }) }, { script });
  return readFileSync(given, 'utf8');
}

test('without Node: every limit is the one in limits.env', async () => {
  const script = join(folder, 'other-limits');
  cpSync(verify, script, { recursive: true });
  const limits = join(script, 'limits.env');
  const changes = {
    MAX_DATABASE_AGE_HOURS: '5',
    MAX_ARCHIVE_AGE_DAYS: '6',
    FAILING_SEVERITIES: 'CRITICAL',
    CANARY_DEB: 'libother',
    PASSED_ON: 'TRIVY_ONE',
  };
  let text = readFileSync(limits, 'utf8');
  for (const [name, value] of Object.entries(changes))
    text = text.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`);
  writeFileSync(limits, text);
  const log = join(mkdtempSync(join(folder, 'seen-')), 'log');
  const first = `{ env | grep ^TRIVY_; echo "$*"; } >>${log}`;
  const env = { TRIVY_ONE: '1', TRIVY_CACHE_DIR: '/cache' };
  const { said } = await scan(
    { trivy: trivy({ ageHours: 6, first }), grype: grype({ ageHours: 6 }) },
    { script, env, sbom: sbomOfAge(7) },
  );
  assert.match(said, /trivy's database is 6 hours old, and 5 is the most/);
  assert.match(said, /archive of 7 days ago, and 6 is the most/);
  assert.match(said, /grype is blind: it finds nothing in libother/);
  const seen = readFileSync(log, 'utf8');
  assert.match(seen, / --severity CRITICAL /);
  assert.match(seen, /^TRIVY_ONE=1$/m);
  assert.doesNotMatch(seen, /TRIVY_CACHE_DIR/);
  assert.match(await templateOf(script), /Severity "High" "Medium" "Low" "Negligible" "Unknown"\)/);
});

test('without Node: scanners start in an empty folder, with no setting but those of their databases', async () => {
  const env = {
    TRIVY_CACHE_DIR: '/cache',
    GRYPE_DB_UPDATE_URL: 'x',
    TRIVY_IGNOREFILE: '/i',
    GRYPE_CONFIG: '/c',
  };
  const seen = join(mkdtempSync(join(folder, 'seen-')), 'log');
  const first = `{ ls -A; env | grep -e ^TRIVY_ -e ^GRYPE_; echo "$*"; } >>${seen}`;
  const { code, said } = await scan(
    { trivy: trivy({ ...FRESH, first }), grype: grype({ ...FRESH, first }) },
    { env },
  );
  assert.equal(code, 0, said);
  const lines = readFileSync(seen, 'utf8').trimEnd().split('\n');
  const started = lines.filter(line => !/^(TRIVY_CACHE_DIR|GRYPE_DB_UPDATE_URL)=/.test(line));
  assert.ok(started.length > 5);
  for (const line of started.filter(one => !one.startsWith('version')))
    assert.match(line, / --config (\/dev\/null --ignorefile \/dev\/null|\/\S+\/grype\.yaml)\b/);
});

const DOUBTS: [string, Record<string, string>, RegExp][] = [
  ['no trivy', { grype: grype(FRESH) }, /trivy is not installed/],
  ['no grype', { trivy: trivy(FRESH) }, /grype is not installed/],
  [
    'an old database of trivy',
    { trivy: trivy({ ageHours: 49 }), grype: grype(FRESH) },
    /trivy's database is 49 hours old/,
  ],
  [
    'an old database of grype',
    { trivy: trivy(FRESH), grype: grype({ ageHours: 72 }) },
    /grype's database is 72 hours old/,
  ],
  [
    'a clock that is behind the databases',
    { trivy: trivy({ ageHours: -26 }), grype: grype({ ageHours: -30 }) },
    /trivy's database is of 2[56] hours from now[\s\S]*grype's database is of (29|30) hours from now/,
  ],
  [
    'a trivy that crashes',
    { trivy: trivy({ ...FRESH, crash: true }), grype: grype(FRESH) },
    /trivy crashed: FATAL/,
  ],
  [
    'a grype that crashes',
    { trivy: trivy(FRESH), grype: grype({ ...FRESH, crash: true }) },
    /grype crashed: ERROR/,
  ],
  [
    'a trivy that sees no package',
    { trivy: trivy({ ...FRESH, empty: true }), grype: grype(FRESH) },
    /saw no package of Debian/,
  ],
  [
    'a grype that did not make out the distribution',
    { trivy: trivy(FRESH), grype: grype({ ...FRESH, says: ['LOOKED AT '] }) },
    /did not make out the distribution/,
  ],
  [
    'a grype that breaks off',
    { trivy: trivy(FRESH), grype: grype({ ...FRESH, says: [''] }) },
    /grype crashed: it did not write its findings/,
  ],
  [
    'a grype that leaves out what rules of somebody name',
    { trivy: trivy(FRESH), grype: grype({ ...FRESH, says: ['LEFT OUT CVE-2099-0001', 'LOOKED AT debian'] }) },
    /told by rules that are not ours to leave out CVE-2099-0001/,
  ],
  [
    'a trivy that is blind',
    { trivy: trivy({ ...FRESH, blind: true }), grype: grype(FRESH) },
    /trivy is blind/,
  ],
  [
    'a grype that is blind',
    { trivy: trivy(FRESH), grype: grype({ ...FRESH, blind: true }) },
    /grype is blind/,
  ],
];
for (const [what, programs, why] of DOUBTS) {
  test(`without Node: ${what} is a failure to verify`, async () => {
    const { code, said } = await scan(programs);
    assert.equal(code, 3, said);
    assert.match(said, why);
  });
}

test('without Node: an image without its SBOM is not verified, since nobody looked up what was compiled by hand', async () => {
  for (const sbom of [null, '|mkfifo', '|truncate --size=65M']) {
    const { code, said } = await scan({ trivy: trivy(FRESH), grype: grype(FRESH) }, { sbom });
    assert.equal(code, 3, said);
    assert.match(said, /noaa-test\.tar has no SBOM beside it/);
  }
});

test('without Node: trivy is shown an OCI archive as the folder that it can read, and grype as the file', async () => {
  // Trivy: "unable to open … as an OCI Image".
  const first = `for word; do [ "\${before-}" != --input ] || input=$word; before=$word; done
[ -z "\${input-}" ] || [ -e "$input/oci-layout" ] || { echo 'unable to open it as an OCI image' >&2; exit 1; }`;
  const programs = {
    trivy: trivy({ ...FRESH, first }),
    grype: grype({
      ...FRESH,
      first: `case "$*" in *-archive:*) case "$*" in oci-archive:*noaa-test.tar*) ;; *) exit 1 ;; esac ;; esac`,
    }),
  };
  const { code, said } = await scan(programs, { isOci: true });
  assert.equal(code, 0, said);
  assert.match(said, /trivy finds nothing to mend in \S+\/noaa-test\.tar$/m);
});

test('without Node: an archive that unpacks to more than it may is shown to no scanner', async () => {
  const seen = join(mkdtempSync(join(folder, 'seen-')), 'log');
  const first = `echo "$*" >>${seen}`;
  const programs = { trivy: trivy({ ...FRESH, first }), grype: grype({ ...FRESH, first }) };
  const zeros = gzipSync(tarOf([{ name: 'zeros', content: Buffer.alloc(80 << 20) }]));
  for (const bytes of [
    zeros,
    tarOf([
      { name: 'oci-layout', content: '{}' },
      { name: 'blobs/sha256/x', content: zeros },
    ]),
    tarOf(Array.from({ length: 1200 }, (_, index) => ({ name: `f${index}` }))),
  ]) {
    const { code, said } = await scan(programs, { bytes });
    assert.equal(code, 3, said);
    assert.match(said, /noaa-test\.tar unpacks to more than an archive of its size may/);
  }
  assert.doesNotMatch(readFileSync(seen, 'utf8'), /noaa-test\.tar|--input/);
  const layer = gzipSync(tarOf([{ name: 'zeros', content: Buffer.alloc(20 << 20) }]));
  // With its folders, as podman writes it.
  const bytes = tarOf([
    { name: 'blobs/', type: '5' },
    { name: 'blobs/sha256/', type: '5' },
    { name: 'blobs/sha256/x', content: layer },
    { name: 'blobs/sha256/y', content: '{}' },
  ]);
  const { code, said } = await scan(programs, { bytes });
  assert.equal(code, 0, said);
});

test('without Node: an archive whose entries tar or a scanner would take for something else is shown to none', async () => {
  const at = mkdtempSync(join(folder, 'odd-'));
  const seen = join(at, 'log');
  const first = `echo "$*" >>${seen}`;
  const programs = { trivy: trivy({ ...FRESH, first }), grype: grype({ ...FRESH, first }) };
  const option = `--use-compress-program=sh -c ">${join(at, 'ran')}"`;
  const file = (name: string) => tarOf([{ name: 'oci-layout', content: '{}' }, { name }]);
  const entries = /noaa-test\.tar has entries that podman save does not write/;
  const cases = [
    [file(option), entries],
    [file('-x'), entries],
    [file('blobs/a b'), entries],
    [file(' blobs'), entries],
    [file('blobs\\'), entries],
    [file('blobs\nx'), entries],
    [file('blobs/ü'), entries],
    [tarOf([{ name: 'index.json', type: '6' }]), entries],
    [tarOf([{ name: 'index.json', type: '3' }]), entries],
    [execFileSync('xz', { input: file('blobs') }), /noaa-test\.tar is no tar, nor one in gzip or zstd/],
    [execFileSync('bzip2', { input: file('blobs') }), /is no tar/],
    [Buffer.from('GZ'), /is no tar/],
    [sparse(at), /unpacks to more than/],
    // No zstd is here, and the other is damaged.
    ...['28b52ffd00000000', '1f8b080000000000'].map(
      hex =>
        [
          tarOf([{ name: 'blobs/sha256/x', content: Buffer.from(hex, 'hex') }]),
          /or cannot be unpacked here/,
        ] as const,
    ),
  ] as const;
  await Promise.all(
    cases.map(async ([bytes, why]) => {
      const { code, said } = await scan(programs, { bytes });
      assert.equal(code, 3, said);
      assert.match(said, why);
    }),
  );
  assert.ok(!existsSync(join(at, 'ran')), 'the name of an entry was run');
  assert.doesNotMatch(readFileSync(seen, 'utf8'), /noaa-test\.tar|--input/);
});

/** An archive of a few kilobytes with one file of 80 MB, which has nothing in it. */
function sparse(at: string): Buffer {
  writeFileSync(join(at, 'layer'), '');
  truncateSync(join(at, 'layer'), 80 << 20);
  return execFileSync('tar', ['-cSf', '-', '-C', at, 'layer']);
}

test('without Node: it removes from foreign text what quadlet/noaa does', () => {
  const functions = [join(HERE, 'scan'), join(HERE, '../../quadlet/noaa')].map(script => {
    const text = readFileSync(script, 'utf8');
    return ['harmless', 'utf8'].map(
      name => new RegExp(`^${name}\\(\\) \\{(.*\\}|[\\s\\S]*?^\\})$`, 'm').exec(text)?.[0],
    );
  });
  assert.ok(functions[0]?.every(one => one !== undefined));
  assert.deepEqual(functions[0], functions[1]);
});

test('without Node: it finds its own files through a link to it, and whatever CDPATH is', () => {
  const at = mkdtempSync(join(folder, 'cdpath-'));
  symlinkSync(join(verify, 'host/scan'), join(at, 'scan'));
  for (const [command, cwd, CDPATH] of [
    ['./scan', at, ''],
    ['host/scan', verify, `.:${at}`],
  ] as const) {
    const { status, stderr } = spawnSync(command, ['none.tar'], {
      cwd,
      env: { ...process.env, CDPATH },
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr], [2, 'scan: none.tar cannot be read\n']);
  }
});

test("without Node: an image made from a month-old state of Debian's archive is due for a rebuild", async () => {
  const programs = { trivy: trivy(FRESH), grype: grype(FRESH) };
  const old = await scan(programs, { sbom: sbomOfAge(31) });
  assert.equal(old.code, 1, old.said);
  assert.match(old.said, /noaa-test\.tar was made from Debian's archive of 31 days ago, and 30 is the most/);
  const ahead = await scan(programs, { sbom: sbomOfAge(-5) });
  assert.equal(ahead.code, 3, ahead.said);
  assert.match(ahead.said, /was made from Debian's archive of [45] days from now/);
  const undated = await scan(programs, { sbom: '{}' });
  assert.equal(undated.code, 3, undated.said);
  assert.match(undated.said, /does not say which state of Debian's archive/);
});

test("without Node: the SBOM that the gate writes is dated by the state of Debian's archive, not by the build", async () => {
  const programs = { trivy: trivy(FRESH), grype: grype(FRESH) };
  const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString();
  const written = (state: number | undefined) => {
    const made = good();
    const ours = '/usr/share/sbom/noaa-test.cdx.json';
    const metadata = state === undefined ? {} : { timestamp: day(state) };
    made[ours] = JSON.stringify({ ...JSON.parse(made[ours] as string), metadata });
    return JSON.stringify(sbomOf({ ...imageFrom(made), createdAt: day(1) }), null, 2);
  };
  const old = await scan(programs, { sbom: written(31) });
  assert.equal(old.code, 1, old.said);
  assert.match(old.said, /was made from Debian's archive of 31 days ago/);
  assert.equal((await scan(programs, { sbom: written(2) })).code, 0);
  assert.equal((await scan(programs, { sbom: written(undefined) })).code, 3);
});

test('without Node: an acceptance that has ended fails, and so does one without an end', async () => {
  const script = join(folder, 'accepting');
  cpSync(verify, script, { recursive: true });
  const today = new Date().toISOString().slice(0, 10);
  const noted = (status_notes: string) => ({ status: 'not_affected', status_notes });
  const open = noted(`seen by Ann; accepted until ${today}`);
  for (const [statements, expected, why] of [
    [[open], 0, /No fixable/],
    [[noted('accepted until 2020-01-01'), open], 1, /an acceptance in \S+ ended on 2020-01-01/],
    [[open, noted('for ever')], 1, /1 of the 2 statements in \S+ accept without an end/],
    [[noted(`accepted until ${today}, accepted until ${today}`), { status: 'fixed' }], 1, /1 of the 2 /],
    [[{ status: 'under_investigation' }], 0, /No fixable/],
  ] as const) {
    for (const indent of [0, 2]) {
      writeFileSync(join(script, 'accepted.openvex.json'), JSON.stringify({ statements }, null, indent));
      const { code, said } = await scan({ trivy: trivy(FRESH), grype: grype(FRESH) }, { script });
      assert.equal(code, expected, said);
      assert.match(said, why);
    }
  }
});

test('the timer runs the scan of this copy every day, and systemd takes both units', () => {
  const units = execFileSync(join(HERE, 'schedule'), ['on', '--dry-run'], { encoding: 'utf8' });
  assert.match(units, new RegExp(`^ExecStart="${join(HERE, 'scan')}"$`, 'm'));
  assert.match(units, /^OnCalendar=daily$/m);
  assert.match(units, /^Persistent=true$/m);
  const at = mkdtempSync(join(folder, 'units-'));
  const [service = '', timer = ''] = units.split(/^# .*noaa-verify\.timer$/m);
  writeFileSync(join(at, 'noaa-verify.service'), service);
  writeFileSync(join(at, 'noaa-verify.timer'), timer);
  const { status, error, stderr } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', join(at, 'noaa-verify.timer')],
    {
      encoding: 'utf8',
    },
  );
  // A machine without systemd can't be asked; the units' text is checked above all the same.
  if (!error) assert.equal(status, 0, stderr);
  assert.ok(readFileSync(join(at, 'noaa-verify.timer'), 'utf8').includes('WantedBy=timers.target'));
});
