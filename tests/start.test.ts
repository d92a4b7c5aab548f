/** `npm start` as an operator types it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { chainEnvironment, freePorts, startService } from './support/services.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs `npm start` in a process group of its own, as a terminal does. */
function npmStart(environment: Record<string, string | number | undefined>) {
  const variables = Object.entries(environment).map(([name, value]) => [name, String(value)]);
  const child = spawn('npm', ['start'], {
    cwd: root,
    env: { ...process.env, ...Object.fromEntries(variables) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => {
      lines.push(line);
      for (const check of waiting) check();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number);
  return {
    lines,
    ended,
    said: (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const check = () => {
          const line = lines.find(candidate => pattern.test(candidate));
          if (line !== undefined) resolve(line);
        };
        waiting.add(check);
        check();
        void ended.then(code => reject(new Error(`it ended with ${code}:\n${lines.join('\n')}`)));
      }),
    /** To the whole group, as Ctrl-C in a terminal. */
    interrupt: () => process.kill(-(child.pid as number), 'SIGINT'),
  };
}

/** The first of two free ports in a row. */
async function twoPorts(): Promise<number> {
  for (;;) {
    const [port] = await freePorts(1);
    const next = createServer().listen(port! + 1, '127.0.0.1');
    const isFree = await once(next, 'listening').then(
      () => true,
      () => false,
    );
    next.close();
    if (isFree) return port!;
  }
}

/** Processes whose command line speaks of these services on this port's environment are found by the port. */
async function nobodyListens(url: string): Promise<void> {
  await assert.rejects(fetch(url));
}

test('it says where to look once a frame is really served, and Ctrl-C stops all of it', async () => {
  await using folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  const { visualizer, web } = await chainEnvironment({ DATA_FILE: clip });
  const metrics = await twoPorts();
  const chain = npmStart({ ...visualizer, METRICS_PORT: metrics });
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
  const chain = npmStart(environment.visualizer);
  assert.equal(await chain.ended, 2);
  assert.ok(chain.lines.some(line => /DATA_FILE \/nowhere\/at-all.mp4 does not exist/.test(line)));
  assert.ok(chain.lines.some(line => /playback cannot go on/.test(line)));
  await nobodyListens(environment.web);
});

test('bad variables of all services are told at once, before anything starts', async () => {
  const chain = npmStart({ PLAYBACK_FPS: 'fast', REDACT_WIDTH: -1, JPEG_QUALITY: 0 });
  assert.equal(await chain.ended, 2);
  const said = chain.lines.join('\n');
  for (const name of ['PLAYBACK_FPS="fast"', 'REDACT_WIDTH="-1"', 'JPEG_QUALITY="0"'])
    assert.ok(said.includes(name), said);
  assert.ok(!said.includes('    at '), 'a stack trace shows');
});

test('a port that is taken is named with the variable that chooses another', async () => {
  const environment = await chainEnvironment();
  await using other = startService('visualizer', environment.visualizer);
  await other.logged(line => /serving/.test(line.msg));
  const chain = npmStart(environment.visualizer);
  assert.equal(await chain.ended, 1);
  const port = environment.visualizer.VISUALIZER_PORT;
  assert.ok(
    chain.lines.some(line =>
      line.includes(`port ${port} on 127.0.0.1 is already taken; set VISUALIZER_PORT`),
    ),
    chain.lines.join('\n'),
  );
});
