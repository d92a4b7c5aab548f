import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FlowHealth } from './health.ts';
import { checkHealth } from './healthcheck.ts';
import { createMetrics, serveTelemetry } from './metrics.ts';
import { listenOnSocket } from './unix-socket.ts';

const folder = mkdtempSync(join(tmpdir(), 'noaa-socket-'));
after(() => rmSync(folder, { recursive: true }));
const variable = 'METRICS_SOCKET';

test('metrics and health are served on a socket that only this user can open, and on no port', async () => {
  const socket = join(folder, 'served');
  const ended = new AbortController();
  const health = new FlowHealth('redactor', 'frames');
  const endpoint = { host: '127.0.0.1', port: 0, socket, allowedHosts: [] };
  await serveTelemetry(endpoint, createMetrics('test'), health, ended.signal);
  try {
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    assert.equal(await checkHealth(`http://unix:${socket}:/livez`), undefined);
    assert.equal(await checkHealth(`http://unix:${socket}:/metrics`), undefined);
    assert.match(
      (await checkHealth(`http://unix:${socket}:/readyz`)) ?? '',
      /answered 503: waiting for frames/,
    );
  } finally {
    ended.abort();
  }
  assert.match((await checkHealth(`http://unix:${socket}:/livez`)) ?? '', /cannot be reached: .*ENOENT/);
});

test('a socket that a killed process has left is replaced, and one that is in use is not', async () => {
  const path = join(folder, 'left');
  const script = "require('node:net').createServer().listen(process.env.AT, () => console.log('listening'))";
  const killed = spawn(process.execPath, ['-e', script], { env: { AT: path } });
  await once(killed.stdout, 'data');
  const ended = new AbortController();
  const listen = () => listenOnSocket(createServer(), { path, variable }, ended.signal);
  try {
    await assert.rejects(listen(), {
      code: 'cannot-listen',
      message: /^METRICS_SOCKET=".*" is already taken; set/,
    });
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await listen();
    assert.equal(statSync(path).mode & 0o777, 0o600);
  } finally {
    killed.kill('SIGKILL');
    ended.abort();
  }
});

for (const [path, expected] of [
  [join(folder, 'none', 'socket'), /cannot be made; set it to a path in a folder that exists/],
  [join(folder, 'x'.repeat(120)), /is too long for a socket/],
  [folder, /is already taken/],
] as const) {
  test(`a path that cannot be had is named with the remedy: …${path.slice(-12)}`, async () => {
    const { signal } = new AbortController();
    await assert.rejects(listenOnSocket(createServer(), { path, variable }, signal), {
      code: 'cannot-listen',
      message: expected,
    });
  });
}
