/** `npm test`: types, lint and every test file. The last line has the numbers of passed and failed tests. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Each counts as one test. */
const CHECKS = [
  { name: 'types', command: ['npm', 'run', '--silent', 'types'] },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
];
/**
 * Unit tests before those that need more than one service, so that a fault shows where it is. Two files at a time where a
 * test mostly waits or keeps to one core; one where it shares two cores with the services, ffmpeg and browsers it starts.
 */
const TWO_AT_A_TIME = [
  'access,access-commands,cache,consent,descriptors,docs,embedding,fetch-clip,hanging-storage,holds,http,http-edges',
  'marking,mask-mutations,masks,pickle,proxy,python,redaction,runtime-settings,secret,sentences',
  'signature,slow-readers,source-changes,threats,tls,types,valid-time,watch-doc',
];
const ROUNDS = [
  { concurrency: 2, patterns: ['apps/**/*.test.ts', '{bench,verify}/**/*.test.ts'] },
  { concurrency: 2, patterns: TWO_AT_A_TIME.map(names => `tests/{${names}}.test.ts`) },
  { concurrency: 1, patterns: ['tests/*.test.ts', 'tests/!(deploy)/**/*.test.ts'] },
  { concurrency: 1, patterns: ['tests/deploy/*.test.ts'], isDeployment: true },
];

/** A file that hangs fails after this time. */
const LIMIT_MS = 30 * 60_000;

/** This many of the slowest files are named at the end. */
const SLOWEST = 12;

let passed = 0;
let failed = 0;
const wanted = process.argv.slice(2);

/**
 * On a new machine the images and the virtual machine's root take minutes of packages that come and are unpacked. They are
 * made while other tests run, with what those leave of the processor. If that fails, the tests of the deployment say why.
 */
function makeAhead(): Promise<unknown> {
  const command = ['-n', '19', process.execPath, 'tests/deploy/ahead.ts'];
  return once(spawn('nice', command, { stdio: 'inherit' }), 'exit');
}
const isAhead = wanted.length === 0 ? makeAhead() : undefined;

for (const { name, command } of wanted.length === 0 ? CHECKS : []) {
  const [program = '', ...args] = command;
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  console.log(status === 0 ? `✔ ${name}` : `✖ ${name}`);
  if (status === 0) passed += 1;
  else failed += 1;
}

const rounds = wanted.length > 0 ? [{ concurrency: 1, patterns: wanted }] : ROUNDS;
const found = new Set<string>();
const seconds = new Map<string, number>();
for (const { concurrency, patterns, isDeployment } of rounds) {
  if (isDeployment) await isAhead;
  const files = patterns
    .flatMap(pattern => globSync(pattern, { exclude: ['**/node_modules/**'] }).sort())
    .filter(file => !found.has(file));
  for (const file of files) found.add(file);
  const stream = run({ files, concurrency, timeout: LIMIT_MS });
  stream.on('test:summary', ({ file, counts, duration_ms }) => {
    if (file !== undefined) {
      seconds.set(relative('.', file), duration_ms / 1000);
      return;
    }
    passed += counts.passed;
    // A test that was skipped counts as failed.
    failed += counts.tests - counts.passed;
  });
  for await (const chunk of stream.compose(new spec())) process.stdout.write(chunk);
}

const slowest = [...seconds].sort(([, one], [, other]) => other - one).slice(0, SLOWEST);
console.log(`Slowest: ${slowest.map(([file, took]) => `${file} ${took.toFixed(0)} s`).join(', ')}`);
if (found.size === 0) failed += 1;
if (failed > 0) process.exitCode = 1;
console.log(`${passed} passed, ${failed} failed`);
