import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { good, imageFrom } from '../fixtures/made.ts';
import { sbomOf } from '../image/sbom.ts';
import { grype } from '../scanners/grype.ts';
import { npmAudit } from '../scanners/npm-audit.ts';
import { osvScanner } from '../scanners/osv-scanner.ts';
import { scanWith } from '../scanners/scan.ts';
import { trivy } from '../scanners/trivy.ts';
import { type Acceptance, readAcceptances } from './acceptance.ts';
import type { Output, Paths, Scanner } from './finding.ts';
import { EXIT, judge, merge, type Verdict, worst } from './gate.ts';

const NOW = new Date('2099-01-10T12:00:00Z');
const PATHS: Paths = {
  image: { format: 'oci-archive', path: '/image.tar' },
  sbom: '/image.cdx.json',
  lockfile: '/package-lock.json',
};
const COMPONENTS = sbomOf(imageFrom(good())).components;

/** What scanners print, kept in files that say which of it was written by hand. */
function recorded(scanner: string, name: string): Output | undefined {
  if (name === 'missing') return undefined;
  const file = new URL(`../fixtures/recorded/${scanner}.json`, import.meta.url);
  const { code, stdout, stderr } = JSON.parse(readFileSync(file, 'utf8')).recordings[name];
  return { code, stdout: typeof stdout === 'string' ? stdout : JSON.stringify(stdout), stderr };
}

interface Told {
  scan?: string;
  canary?: string;
  about?: string;
}

/** Lets a scanner say what was recorded of it. */
function scan(scanner: Scanner, { scan: said = 'clean', canary = 'canary', about }: Told = {}) {
  const of = scanner.name.replace(' ', '-');
  return scanWith(scanner, PATHS, '/canary.cdx.json', async command => {
    const line = command.join(' ');
    if (said === 'missing') return undefined;
    if (line === 'grype version -o json') return recorded(of, 'version');
    if (line.startsWith('grype db status')) return recorded(of, about ?? 'database');
    if (scanner.about.some(one => one.join(' ') === line)) return recorded(of, about ?? 'about');
    return recorded(of, line.includes('/canary.cdx.json') ? canary : said);
  });
}

interface All {
  trivy?: Told;
  grype?: Told;
  npm?: Told;
}

async function verdict(told: All = {}, acceptances: Acceptance[] = [], now = NOW): Promise<Verdict> {
  const runs = [
    await scan(trivy, told.trivy),
    await scan(grype, told.grype),
    await scan(npmAudit, told.npm),
  ].flat();
  return judge({ components: COMPONENTS, runs, violations: [], acceptances }, now);
}

const accepted = (until: string, vulnerability = 'CVE-2099-0001'): Acceptance => ({
  vulnerabilities: [vulnerability],
  products: ['pkg:deb/debian/libc6'],
  reason: 'nothing of ours calls it',
  until,
});

test('three scanners that can see, with fresh databases and without findings, verify an image', async () => {
  const found = await verdict();
  assert.deepEqual(found.problems, []);
  assert.equal(found.outcome, 'verified');
  assert.deepEqual(found.unseen, ['acorn 8.18.0'], 'what no database knows is told all the same');
});

test("what a scanner leaves out by rules of its own is the scanner's word, as its findings are", async () => {
  const found = await verdict({ grype: { scan: "clean, with one left out by a rule of grype's own" } });
  assert.deepEqual(found.problems, []);
});

test('scanners are started with settings of ours, which name nothing to leave out', () => {
  const options = (scanner: Scanner) => scanner.command('image', PATHS)!.join(' ');
  assert.match(options(trivy), / --config \/dev\/null --ignorefile \/dev\/null /);
  assert.match(options(osvScanner), / --config \/dev\/null /);
  const [, path = ''] = / --config (\S+)$/.exec(options(grype)) ?? [];
  assert.equal(readFileSync(path, 'utf8').replace(/^#.*\n/gm, ''), 'check-for-app-update: false\n');
});

test('trivy is shown what an OCI archive holds as a folder, the only way that it reads it', () => {
  const image = { ...PATHS.image, layout: '/layout' };
  assert.deepEqual(trivy.command('image', { ...PATHS, image })?.slice(-2), ['--input', '/layout']);
  const docker = { format: 'docker-archive' as const, path: '/image.tar' };
  assert.deepEqual(trivy.command('image', { ...PATHS, image: docker })?.slice(-2), ['--input', '/image.tar']);
});

test('a fixable vulnerability of severity high fails', async () => {
  const found = await verdict({ trivy: { scan: 'fixable high' } });
  assert.equal(found.outcome, 'failed');
  assert.deepEqual(
    found.failing.map(({ id, package: of, fixedIn }) => [id, of, fixedIn]),
    [['CVE-2099-0001', 'libc6', ['2.41-12+deb13u1']]],
  );
});

test('what two scanners report is one finding, under the worse rating, and names both', async () => {
  const found = await verdict({
    trivy: { scan: 'fixable high' },
    grype: { scan: "fixable high, the same as trivy's" },
  });
  assert.equal(found.failing.length, 1);
  assert.equal(found.failing[0]!.severity, 'critical');
  assert.deepEqual(found.failing[0]!.scanners, ['trivy', 'grype']);
});

test('one vulnerability under two names, in a range of versions, is one finding', () => {
  const base = { package: 'koa', severity: 'high' as const, fixedIn: ['3.3.1'] };
  const [only, ...others] = merge([
    { ...base, id: 'GHSA-x', aliases: [], version: '<3.3.1', scanners: ['npm audit'] },
    { ...base, id: 'CVE-1', aliases: ['GHSA-x'], version: '3.3.0', scanners: ['grype'] },
  ]);
  assert.deepEqual(others, []);
  assert.equal(only!.version, '3.3.0');
  assert.deepEqual(only!.scanners, ['npm audit', 'grype']);
});

test('a fixable vulnerability that nobody has rated fails', async () => {
  assert.equal((await verdict({ trivy: { scan: 'fixable, not rated' } })).outcome, 'failed');
});

test('a fixable vulnerability of severity medium is listed and does not fail', async () => {
  const found = await verdict({ trivy: { scan: 'fixable medium' } });
  assert.equal(found.outcome, 'verified');
  assert.deepEqual(
    found.minor.map(({ id }) => id),
    ['CVE-2099-0002'],
  );
});

test('a vulnerability that nobody has fixed is listed, whatever its severity, and does not fail', async () => {
  const found = await verdict({ trivy: { scan: 'unfixed critical' } });
  assert.equal(found.outcome, 'verified');
  assert.deepEqual(
    found.unfixed.map(({ id, severity }) => [id, severity]),
    [['CVE-2099-0003', 'critical']],
  );
});

test('an accepted vulnerability does not fail, and is listed with its reason', async () => {
  const found = await verdict({ trivy: { scan: 'fixable high' } }, [accepted('2099-01-10')]);
  assert.equal(found.outcome, 'verified');
  assert.deepEqual(found.failing, []);
  assert.equal(found.accepted[0]?.acceptance.reason, 'nothing of ours calls it');
});

test('an acceptance fails from the day after its last, whether the vulnerability is still there or not', async () => {
  for (const told of ['fixable high', 'clean']) {
    const found = await verdict({ trivy: { scan: told } }, [accepted('2099-01-09')]);
    assert.equal(found.outcome, 'failed', told);
    assert.equal(found.expired.length, 1);
  }
});

test('an acceptance holds for its own component and vulnerability only', async () => {
  const others = [
    { ...accepted('2099-12-31'), products: ['pkg:deb/debian/libc-bin'] },
    { ...accepted('2099-12-31'), products: ['pkg:npm/libc6'] },
    { ...accepted('2099-12-31'), products: ['pkg:deb/debian/libc6@2.36-9'] },
    accepted('2099-12-31', 'CVE-2099-9999'),
  ];
  for (const other of others) {
    const found = await verdict({ trivy: { scan: 'fixable high' } }, [other]);
    assert.equal(found.outcome, 'failed', JSON.stringify(other));
    assert.deepEqual(found.unused, [other], 'and one that fits nothing is reported');
  }
});

const DOUBTS: [string, All, string, RegExp][] = [
  ['a missing scanner', { trivy: { scan: 'missing' } }, 'missing', /not installed/],
  [
    'a scanner that crashed',
    { trivy: { scan: 'crashed' } },
    'crashed',
    /failed to download vulnerability DB/,
  ],
  ['a scanner whose answer was cut short', { trivy: { scan: 'cut short' } }, 'crashed', /JSON/],
  ['a scanner that saw no package', { trivy: { scan: 'nothing scanned' } }, 'nothing scanned', /no package/],
  [
    'a scanner that saw no package of Debian',
    { trivy: { scan: 'only npm seen' } },
    'nothing scanned',
    /none of the 1 deb/,
  ],
  [
    'a database of two weeks ago',
    { trivy: { about: 'about, stale database' } },
    'stale database',
    /414 hours old/,
  ],
  ['a database of unknown age', { trivy: { about: 'about, no database' } }, 'stale database', /does not say/],
  ['a scanner blind to npm', { trivy: { canary: 'canary, blind to npm' } }, 'blind', /lodash/],
  [
    'a scanner that did not make out the distribution',
    { grype: { scan: 'nothing scanned' } },
    'nothing scanned',
    /distribution/,
  ],
  [
    "a scanner that leaves out what a user's rule names",
    { grype: { scan: "one left out by a user's rule" } },
    'left out',
    /rules that are not ours made it leave out CVE-2099-0001/,
  ],
  [
    'a scanner that leaves out by a rule that its report does not state',
    { grype: { scan: 'one left out by a rule that it does not state' } },
    'left out',
    /CVE-2099-0001/,
  ],
  ['a scanner that leaves out a folder', { grype: { scan: 'a folder left out' } }, 'left out', /\/usr\/lib/],
  ['a scanner that refuses its own database', { grype: { scan: 'crashed' } }, 'crashed', /6 days ago/],
  ['a database of three days ago', { grype: { about: 'database, stale' } }, 'stale database', /83 hours old/],
  [
    'a database that is not valid',
    { grype: { about: 'database, not valid' } },
    'stale database',
    /does not say/,
  ],
  ['a scanner blind to CPE', { grype: { canary: 'canary, blind to CPE' } }, 'blind', /node/],
  [
    'a registry that refuses an audit',
    { npm: { scan: 'crashed, as npm 11.19.1 really answered where the registry refused' } },
    'crashed',
    /405 Method Not Allowed/,
  ],
  ['a lockfile without a package', { npm: { scan: 'nothing scanned' } }, 'nothing scanned', /no package/],
];

for (const [what, told, doubt, why] of DOUBTS) {
  test(`${what} is a failure to verify, not a pass`, async () => {
    const found = await verdict(told);
    assert.equal(found.outcome, 'unverified');
    const problem = found.problems.find(one => one.doubt === doubt);
    assert.match(problem?.detail ?? JSON.stringify(found.problems), why);
  });
}

test('a database of the day after tomorrow is a failure to verify: by a clock that is behind, any is fresh', async () => {
  const found = await verdict({}, [], new Date('2020-01-01T00:00:00Z'));
  assert.equal(found.outcome, 'unverified');
  const ahead = found.problems.filter(({ detail }) =>
    /hours from now, so the clock here is wrong/.test(detail),
  );
  assert.deepEqual([...new Set(ahead.map(({ scanner }) => scanner))], ['trivy', 'grype']);
});

test('with no scanner at all nothing is verified, and each kind of component is said to be uncovered', async () => {
  const found = await verdict({
    trivy: { scan: 'missing' },
    grype: { scan: 'missing' },
    npm: { scan: 'missing' },
  });
  assert.equal(found.outcome, 'unverified');
  assert.equal(found.problems.filter(({ doubt }) => doubt === 'uncovered').length, 3);
});

test('what is found counts though another scanner could not be run: it fails, and says both', async () => {
  const found = await verdict({ trivy: { scan: 'fixable high' }, grype: { scan: 'missing' } });
  assert.equal(found.outcome, 'failed');
  assert.ok(found.problems.some(({ scanner }) => scanner === 'grype'));
});

test("a violation of the image's own fails whatever the scanners say", () => {
  const violations = [{ check: 'shell' as const, path: '/bin/sh', message: 'a shell' }];
  assert.equal(judge({ components: [], runs: [], violations, acceptances: [] }, NOW).outcome, 'failed');
});

test('osv-scanner and npm audit name the same vulnerability by its CVE and its GHSA, with the version that mends it', async () => {
  const [ofOsv] = (await scan(osvScanner, { scan: 'fixable high' })).map(({ result }) => result);
  const [ofNpm] = (await scan(npmAudit, { scan: 'fixable high' })).map(({ result }) => result);
  assert.ok(ofOsv && 'findings' in ofOsv && ofNpm && 'findings' in ofNpm);
  assert.deepEqual(ofOsv.findings[0]!.fixedIn, ['3.3.1']);
  const all = merge([...ofOsv.findings, ...ofNpm.findings]);
  assert.equal(all.length, 1);
  assert.equal(all[0]!.id, 'CVE-2099-0004');
});

test("osv-scanner's two ways to end without a scan are told apart", async () => {
  for (const [said, doubt] of [
    ['nothing scanned', 'nothing scanned'],
    ['crashed', 'crashed'],
  ] as const) {
    const runs = await scan(osvScanner, { scan: said });
    const problems = runs.flatMap(({ result }) => ('doubt' in result ? [result.doubt] : []));
    assert.ok(problems.every(one => one === doubt) && problems.length > 0, said);
  }
});

test("osv-scanner's silence on Debian's packages is no answer, and what it finds among them is one", async () => {
  const runs = await scan(osvScanner);
  const { problems } = judge({ components: COMPONENTS, runs, violations: [], acceptances: [] }, NOW);
  assert.deepEqual(
    problems.map(({ detail }) => detail.replace(/the \d+ .*/, '')),
    ['nobody looked up ', 'nobody looked up '],
  );
  assert.ok(problems.some(({ detail }) => detail.includes('known by deb')));
});

test('of several images the worst outcome counts, and of none nothing is verified', () => {
  assert.equal(worst(['verified', 'unverified', 'failed']), 'failed');
  assert.equal(worst(['verified', 'unverified']), 'unverified');
  assert.equal(worst(['verified', 'verified']), 'verified');
  assert.equal(worst([]), 'unverified');
  assert.deepEqual(EXIT, { verified: 0, failed: 1, unverified: 3 });
});

const statement = (change: object) => ({
  '@context': 'https://openvex.dev/ns/v0.2.0',
  '@id': 'https://example.org/vex',
  author: 'someone',
  timestamp: '2099-01-01T00:00:00Z',
  version: 1,
  statements: [
    {
      vulnerability: { name: 'CVE-2099-0001', aliases: ['GHSA-x'] },
      products: [{ '@id': 'pkg:deb/debian/libc6' }],
      status: 'not_affected',
      justification: 'vulnerable_code_not_in_execute_path',
      status_notes: 'seen by Ann; accepted until 2099-03-31',
      ...change,
    },
  ],
});

test('a statement of OpenVEX is an acceptance with its reason, its names and its last day', () => {
  assert.deepEqual(readAcceptances(statement({})), {
    faults: [],
    acceptances: [
      {
        vulnerabilities: ['CVE-2099-0001', 'GHSA-x'],
        products: ['pkg:deb/debian/libc6'],
        reason: 'vulnerable_code_not_in_execute_path',
        until: '2099-03-31',
      },
    ],
  });
});

test('a statement without a reason, an expiry, a product or a vulnerability is refused', () => {
  for (const [change, fault] of [
    [{ justification: undefined }, /lacks a reason/],
    [{ status: 'affected' }, /lacks a reason/],
    [{ status_notes: 'for ever' }, /lacks an expiry/],
    [{ status_notes: 'accepted until 2099-13-45' }, /lacks an expiry/],
    [{ products: [] }, /lacks the package URL/],
    [{ vulnerability: {} }, /lacks a vulnerability/],
  ] as const) {
    const { acceptances, faults } = readAcceptances(statement(change));
    assert.deepEqual(acceptances, []);
    assert.match(faults[0] ?? '', fault);
  }
});

test('a statement that something is under investigation accepts nothing', () => {
  assert.deepEqual(readAcceptances(statement({ status: 'under_investigation' })), {
    acceptances: [],
    faults: [],
  });
});
