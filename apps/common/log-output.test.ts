/** A log that can't be written ends no service and holds nothing up. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../tests/support/until.ts';

const script = fileURLToPath(new URL('../../tests/support/talker.ts', import.meta.url));
/** More than a pipe and our own buffer hold. */
const MANY = 20_000;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'noaa-log-'));
});
after(() => rm(folder, { recursive: true }));

interface Report {
  ms: number;
  lost: number;
  /** Bytes. */
  waiting: number;
}

/** A service whose stdout is `stdout`, which may be closed here afterwards. */
async function talker(stdout: number | Socket | 'pipe', wrapped: string[] = []) {
  const [command = '', ...args] = [...wrapped, process.execPath, script];
  const child = spawn(command, args, {
    stdio: ['ignore', stdout, 'inherit', 'ipc'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '2' },
  });
  await once(child, 'message');
  return {
    child,
    async say(lines: number): Promise<Report> {
      child.send(lines);
      const [report] = await once(child, 'message', { signal: AbortSignal.timeout(8000) });
      return report as Report;
    },
    async end(signal: NodeJS.Signals = 'SIGTERM') {
      const beganMs = performance.now();
      child.kill(signal);
      const [code] = await exit(child);
      return { code, ms: performance.now() - beganMs };
    },
    async [Symbol.asyncDispose]() {
      // Ends what a wrapper has started, too.
      if (child.connected) child.disconnect();
      child.kill('SIGKILL');
      await exit(child);
    },
  };
}

const exit = async (child: ChildProcess): Promise<unknown[]> =>
  child.exitCode !== null || child.signalCode !== null ? [child.exitCode] : await once(child, 'exit');

/** A pipe by a name, held open here and not read. */
function pipe(): { fd: number; path: string } {
  const path = join(folder, `pipe-${Math.random()}`);
  execFileSync('mkfifo', [path]);
  return { fd: openSync(path, 'r+'), path };
}

/** A connected Unix stream socket, as the journal's is. */
async function unixSocket() {
  const path = join(folder, `socket-${Math.random()}`);
  const server = createServer().listen(path);
  await once(server, 'listening');
  const ours = connect(path);
  const [theirs] = (await once(server, 'connection')) as [Socket];
  server.close();
  return { ours, theirs: theirs.pause() };
}

const isQuick = ({ ms }: Report) => assert.ok(ms < 3000, `${MANY} lines took ${ms} ms`);

/** Checks that what a reader has got of `sent` lines is whole, in order, and says how many others were lost. */
function isAccounted(lines: string[], sent: number): void {
  const parsed = lines.map(line => JSON.parse(line) as { said?: number; lines?: number; msg: string });
  const said = parsed.flatMap(({ said }) => said ?? []);
  assert.deepEqual(
    said,
    said.toSorted((a, b) => a - b),
  );
  const lost = parsed.filter(({ msg }) =>
    /log lines were lost: standard output could not be written/.test(msg),
  );
  assert.equal(said.length + lost.reduce((sum, { lines = 0 }) => sum + lines, 0), sent);
  assert.equal(said.at(-1), sent - 1);
  assert.equal(lost.length, 1);
}

describe('the log of a service', () => {
  it('waits for nobody when a pipe is not read, and says what was lost once it is', async () => {
    const { fd, path } = pipe();
    await using service = await talker(fd);
    const report = await service.say(MANY);
    isQuick(report);
    assert.ok(report.lost > MANY / 2, `${report.lost} lines lost`);
    const lines: string[] = [];
    const reader = createReadStream(path);
    createInterface({ input: reader }).on('line', line => lines.push(line));
    await until(() => lines.some(line => line.includes('were lost')), 'the report');
    isAccounted(lines, MANY);
    await service.say(1);
    await until(() => lines.at(-1)?.includes(`"said":${MANY}`), 'a line after the report');
    assert.equal((await service.end()).code, 0);
    closeSync(fd);
    reader.destroy();
  });

  it('waits for nobody when a journal is full, and the service ends within a second', async () => {
    const { ours, theirs } = await unixSocket();
    await using service = await talker(ours);
    ours.destroy();
    isQuick(await service.say(MANY));
    const { code, ms } = await service.end();
    assert.equal(code, 0);
    assert.ok(ms < 1000, `${ms} ms`);
    theirs.destroy();
  });

  it('waits for nobody when a terminal is stopped, and the service ends within a second', async () => {
    const stopped =
      'import os, pty, subprocess, sys\n' +
      'master, slave = pty.openpty()\n' +
      'sys.exit(subprocess.call(sys.argv[1:], stdout=slave, close_fds=False))';
    await using service = await talker('pipe', ['python3', '-c', stopped]);
    isQuick(await service.say(MANY));
    const [pid = ''] = execFileSync('ps', ['-o', 'pid=', '--ppid', String(service.child.pid)])
      .toString()
      .trim()
      .split('\n');
    const beganMs = performance.now();
    process.kill(Number(pid), 'SIGTERM');
    assert.deepEqual(await exit(service.child), [0, null]);
    assert.ok(performance.now() - beganMs < 1000);
  });

  for (const [what, open, waits] of [
    ['a full disk', () => openSync('/dev/full', 'w'), true],
    ['nothing', () => openSync('/dev/null', 'w'), false],
  ] as const) {
    it(`goes to ${what} and the service goes on`, async () => {
      const fd = open();
      await using service = await talker(fd);
      closeSync(fd);
      assert.equal((await service.say(1)).waiting > 0, waits, 'known before a line is lost');
      isQuick(await service.say(MANY));
      assert.equal((await service.end()).code, 0);
    });
  }

  it('goes to a reader that is gone and the service goes on', async () => {
    await using service = await talker('pipe');
    service.child.stdout!.destroy();
    isQuick(await service.say(MANY));
    isQuick(await service.say(MANY));
    assert.equal((await service.end()).code, 0);
  });

  it('goes to a closed descriptor and the service goes on', async () => {
    await using service = await talker('pipe', ['sh', '-c', 'exec "$@" >&-', 'sh']);
    isQuick(await service.say(MANY));
    assert.equal((await service.end()).code, 0);
  });

  it('goes to a file whole', async () => {
    const path = join(folder, 'file');
    const fd = openSync(path, 'a');
    await using service = await talker(fd);
    closeSync(fd);
    assert.equal((await service.say(MANY)).lost, 0);
    await service.end();
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    assert.equal(lines.length, MANY + 1);
    assert.match(lines.at(-1)!, /talker stopped on SIGTERM/);
  });

  it('gets its last line out, behind others that the reader has not taken yet', async () => {
    const { ours, theirs } = await unixSocket();
    await using service = await talker(ours);
    ours.destroy();
    // More than the socket holds, less than may wait.
    assert.equal((await service.say(1500)).lost, 0);
    service.child.kill();
    let log = '';
    theirs.on('data', bytes => {
      log += bytes;
    });
    theirs.resume();
    await once(theirs, 'close');
    assert.ok(/"said":1499.*\n.*talker stopped/.test(log), log.slice(-300));
  });
});
