/** `npm start` whose processes are killed, or that nobody reads any more. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { npmStart, shell } from './support/npm-start.ts';
import { commandOf, isAlive } from './support/processes.ts';
import { chainEnvironment } from './support/services.ts';
import { until } from './support/until.ts';

/** The promise, from the kill to the last service's end. */
const END_MS = 2000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip: string;
before(async () => {
  folder = await temporaryFolder();
  clip = await makeClip(`${folder.path}/clip.mp4`);
});
after(() => folder[Symbol.asyncDispose]());

const VICTIMS = [
  { name: 'its own process is killed', command: 'tools/start.ts' },
  { name: 'npm is killed', command: 'npm start' },
];
for (const { name, command } of VICTIMS) {
  test(`when ${name} its services end, and the next start takes their ports`, async () => {
    const { visualizer } = await chainEnvironment({ DATA_FILE: clip });
    await using chain = npmStart(visualizer);
    await chain.said(/live: open/);
    const all = chain.processes();
    const [victim, ...others] = chain.processes(command);
    assert.deepEqual([others, all.length > 4], [[], true], 'not one process by that name, or no services');
    process.kill(victim!, 'SIGKILL');
    await until(() => !all.some(isAlive), 'the end of every process', END_MS);
    await using next = npmStart(visualizer);
    await next.said(/live: open/);
  });
}

test('when its output is closed its services end, even if they have nothing to log', async () => {
  const { visualizer } = await chainEnvironment({ DATA_FILE: clip });
  await using chain = npmStart(visualizer);
  await chain.said(/live: open/);
  const all = chain.processes();
  chain.closeOutput();
  await until(() => !all.some(isAlive), 'the end of every process', END_MS);
});

// npm writes four lines of its own; then head ends with the first line of the chain, and with its third.
for (const count of [2, 5, 7]) {
  test(`npm start | head -n ${count} ends, without a stack trace`, async () => {
    const { visualizer } = await chainEnvironment({ DATA_FILE: clip });
    await using chain = shell(`npm start | head -n ${count}`, visualizer);
    assert.equal(await chain.ended, 0);
    assert.deepEqual(chain.processes(), []);
    assert.equal(chain.lines.length, count, chain.lines.join('\n'));
  });
}

test('while nobody reads its output the picture stays, and SIGTERM ends all of it', async () => {
  const { visualizer, web } = await chainEnvironment({ DATA_FILE: clip });
  // 64 kB fill the pipe before the first line of the log.
  const start = '(head -c 65536 /dev/zero; exec tools/with-setup node tools/start.ts) | sleep 600';
  await using chain = shell(start, visualizer);
  await until(async () => (await fetch(`${web}/readyz`)).ok, 'the picture');
  // The shell's own command line has the name as well.
  const starter = chain.processes('tools/start.ts').find(pid => commandOf(pid).startsWith('node '));
  const services = chain.processes('apps/');
  assert.equal(services.length, 3);
  process.kill(starter!, 'SIGTERM');
  await until(() => ![starter!, ...services].some(isAlive), 'the end of every process', END_MS);
});
