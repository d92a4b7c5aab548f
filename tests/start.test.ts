/** `npm start`, from its first line to its end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { npmStart, shell } from './support/npm-start.ts';
import { freePair, freePort } from './support/ports.ts';
import { chainEnvironment, startChain } from './support/services.ts';
import { until } from './support/until.ts';

async function nobodyListens(url: string): Promise<void> {
  await assert.rejects(fetch(url));
}

test('it says where to look once a frame is really served, and Ctrl-C stops all of it', async () => {
  await using folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  const { visualizer, web } = await chainEnvironment({ DATA_FILE: clip });
  const metrics = await freePair();
  await using chain = npmStart({ ...visualizer, METRICS_PORT: metrics });
  const line = await chain.said(/The picture is live: open/);
  assert.match(
    line,
    new RegExp(
      `http://127.0.0.1:${visualizer.VISUALIZER_PORT}|http://localhost:${visualizer.VISUALIZER_PORT}`,
    ),
  );
  assert.equal((await fetch(`${web}/snapshot.jpg`)).status, 200);
  for (const name of ['playback', 'redactor', 'visualizer']) {
    assert.ok(
      chain.lines.some(text => text.includes(name) && text.includes('INFO')),
      `nothing readable of ${name}`,
    );
  }
  for (const [port, service] of [
    [metrics, 'playback'],
    [metrics + 1, 'redactor'],
  ] as const) {
    const answer = await fetch(`http://127.0.0.1:${port}/livez`);
    assert.match(await answer.text(), new RegExp(`^${service} `));
  }
  chain.interrupt();
  await chain.ended;
  await nobodyListens(web);
});

test('when one service cannot go on it says which and why, stops the others and fails', async () => {
  const environment = await chainEnvironment({ DATA_FILE: '/nowhere/at-all.mp4' });
  await using chain = npmStart(environment.visualizer);
  assert.equal(await chain.ended, 2);
  assert.ok(chain.lines.some(line => /DATA_FILE \/nowhere\/at-all.mp4 does not exist/.test(line)));
  assert.ok(chain.lines.some(line => /playback cannot go on/.test(line)));
  await nobodyListens(environment.web);
});

test('bad variables of all services are told at once, before anything starts', async () => {
  await using chain = npmStart({ PLAYBACK_FPS: 'fast', REDACT_WIDTH: -1, JPEG_QUALITY: 0 });
  assert.equal(await chain.ended, 2);
  const said = chain.lines.join('\n');
  for (const name of ['PLAYBACK_FPS="fast"', 'REDACT_WIDTH="-1"', 'JPEG_QUALITY="0"'])
    assert.ok(said.includes(name), said);
  assert.ok(!said.includes('    at '), 'a stack trace shows');
});

test('a port that is taken is named with the variable that chooses another, and its picture is not announced', async () => {
  await using folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  await using other = await startChain({ DATA_FILE: clip });
  const { visualizer } = other.environment;
  await using chain = npmStart(visualizer);
  assert.equal(await chain.ended, 1);
  const said = chain.lines.join('\n');
  assert.match(said, /port \d+ on 127\.0\.0\.1 is already taken; set (PLAYBACK|REDACTOR|VISUALIZER)_PORT/);
  assert.doesNotMatch(said, /live: open/);
});

test("the picture of another chain's redactor is not announced", async () => {
  await using folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  await using other = await startChain({ DATA_FILE: clip });
  const free = await freePort();
  await using chain = npmStart({ ...other.environment.visualizer, VISUALIZER_PORT: free });
  assert.equal(await chain.ended, 1);
  assert.doesNotMatch(chain.lines.join('\n'), /live: open/);
});

test('where another program listens at the other address of localhost, the address is announced', async () => {
  await using folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  const { visualizer } = await chainEnvironment({ DATA_FILE: clip });
  const other = createServer().listen(visualizer.VISUALIZER_PORT, '::1');
  await once(other, 'listening');
  await using chain = npmStart(visualizer);
  const line = await chain.said(/The picture is live: open/);
  other.close();
  assert.match(line, new RegExp(`http://127\\.0\\.0\\.1:${visualizer.VISUALIZER_PORT}`));
});

test('a log that cannot be written ends nothing', async () => {
  await using folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  const { visualizer, web } = await chainEnvironment({ DATA_FILE: clip });
  await using chain = shell('exec npm start > /dev/full', visualizer);
  const live = () =>
    fetch(`${web}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(live, 'the picture');
  // Killed, so that there is something to log, and somebody who has to notice.
  process.kill(chain.processes('apps/redactor/main.ts')[0]!, 'SIGKILL');
  assert.equal(await chain.ended, 1);
  assert.match(chain.lines.join('\n'), /redactor cannot go on \(SIGKILL\)/);
  assert.doesNotMatch(chain.lines.join('\n'), /^ +at /m);
});

for (const [variables, sentence] of [
  [{ PLAYBACK_PORT: 8050 }, 'PLAYBACK_PORT and VISUALIZER_PORT are both 8050'],
  [{ PLAYBACK_PORT: 6000, REDACTOR_PORT: 6000 }, 'PLAYBACK_PORT and REDACTOR_PORT are both 6000'],
  [{ METRICS_PORT: 5554 }, "PLAYBACK_PORT and METRICS_PORT's next, for the redactor, are both 5555"],
  [{ METRICS_PORT: 8050 }, 'VISUALIZER_PORT and METRICS_PORT are both 8050'],
] as const) {
  test(`${sentence}: this is said before anything starts`, async () => {
    await using chain = npmStart(variables);
    assert.equal(await chain.ended, 2);
    assert.ok(chain.lines.includes(`${sentence}; give each a port of its own`), chain.lines.join('\n'));
  });
}

test('a DATA_FILE that is relative to the folder where npm start was typed is named with its whole path', async () => {
  await using folder = await temporaryFolder();
  await makeClip(`${folder.path}/storm.mp4`);
  await using chain = shell(`cd ${folder.path} && exec npm --prefix "$TREE" start`, {
    TREE: fileURLToPath(new URL('..', import.meta.url)),
    DATA_FILE: './storm.mp4',
  });
  assert.equal(await chain.ended, 2);
  const said = chain.lines.find(line => line.startsWith('DATA_FILE')) ?? '';
  assert.match(said, /^DATA_FILE \.\/storm\.mp4 is in /);
  assert.ok(said.endsWith(`set DATA_FILE to ${folder.path}/storm.mp4`), said);
});
