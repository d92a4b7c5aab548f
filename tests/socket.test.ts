/** systemd holds the port: no connection is refused while the visualizer ends and starts again. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { setInterval as every } from 'node:timers/promises';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { type HeldPorts, holdPorts } from './support/held-ports.ts';
import { freePort } from './support/ports.ts';
import { startChain } from './support/services.ts';
import { until } from './support/until.ts';

const stack = new AsyncDisposableStack();
let chain: Awaited<ReturnType<typeof startChain>>;
let held: HeldPorts;
let environment: Record<string, string>;
let web: string;
let pid = 0;

const start = () => held.start([process.execPath, 'apps/visualizer/main.ts'], environment);
const live = async (site = web) => (await fetch(`${site}/readyz`)).ok;
const ended = (which: number) =>
  until(() => {
    try {
      process.kill(which, 0);
      return false;
    } catch {
      return true;
    }
  }, `the end of ${which}`);

before(async () => {
  const folder = stack.use(await temporaryFolder());
  chain = stack.use(await startChain({ DATA_FILE: await makeClip(`${folder.path}/clip.mp4`) }));
  held = stack.use(await holdPorts(2));
  environment = {
    REDACTOR_PORT: String(chain.environment.visualizer.REDACTOR_PORT),
    VISUALIZER_PORT: String(await freePort()),
  };
  web = `http://127.0.0.1:${held.ports[0]}`;
  pid = await start();
  await until(live, 'the picture');
});
after(async () => {
  if (pid) process.kill(pid, 'SIGKILL');
  await stack.disposeAsync();
});

test('every socket that is handed over serves the picture, and so does the service’s own port', async () => {
  for (const port of [...held.ports, Number(environment['VISUALIZER_PORT'])])
    assert.equal((await fetch(`http://127.0.0.1:${port}/snapshot.jpg`)).status, 200, `${port}`);
  assert.match(held.said(), /"sockets":2/);
});

test('sockets for another process are left alone', async () => {
  const port = await freePort();
  const shell = ['sh', '-c', `LISTEN_PID=1 exec "$0" "$@"`, process.execPath, 'apps/visualizer/main.ts'];
  const other = await held.start(shell, { ...environment, VISUALIZER_PORT: String(port) });
  await until(() => live(`http://127.0.0.1:${port}`), 'the other one');
  process.kill(other, 'SIGTERM');
  await ended(other);
  assert.equal(held.said().match(/"sockets":2/g)?.length, 1);
});

test('while it is restarted and killed no connect is refused, each client is answered, and the picture is back within 3 s', async () => {
  const asked: Promise<string>[] = [];
  const over = new AbortController();
  const refused: string[] = [];
  const knocking = (async () => {
    for await (const _ of every(5)) {
      if (over.signal.aborted) return;
      const socket = connect(Number(new URL(web).port), '127.0.0.1');
      socket.on('error', ({ code }: NodeJS.ErrnoException) => refused.push(code ?? ''));
      await once(socket, 'connect');
      socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      asked.push(text(socket).catch(() => ''));
    }
  })();
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM'] as const) {
    process.kill(pid, signal);
    await ended(pid);
    const from = performance.now();
    pid = await start();
    await until(live, 'the picture again');
    const ms = performance.now() - from;
    assert.ok(ms < 3000, `${ms} ms after ${signal}`);
  }
  over.abort();
  await knocking;
  const answers = await Promise.all(asked);
  assert.deepEqual(
    refused.filter(code => code === 'ECONNREFUSED'),
    [],
  );
  const answered = answers.filter(answer => answer.startsWith('HTTP/1.1 200')).length;
  // Those that it had accepted at the moment of its end are lost with it.
  assert.ok(answers.length > 50 && answered >= answers.length - 6, `${answered} of ${answers.length}`);
});

test('700 clients wait while it is away, and none is kept out', async () => {
  process.kill(pid, 'SIGKILL');
  await ended(pid);
  const port = Number(new URL(web).port);
  const sockets = Array.from({ length: 700 }, () => connect(port, '127.0.0.1'));
  const signal = AbortSignal.timeout(10_000);
  await Promise.all(sockets.map(socket => once(socket, 'connect', { signal })));
  for (const socket of sockets) socket.destroy();
  pid = await start();
  await until(live, 'the picture again');
});

test('a descriptor that is no listening socket is one sentence', async () => {
  const shell = ['sh', '-c', `LISTEN_PID=$$ LISTEN_FDS=3 exec "$0" "$@" 5</dev/null`, process.execPath];
  const port = String(await freePort());
  await held.start([...shell, 'apps/visualizer/main.ts'], { ...environment, VISUALIZER_PORT: port });
  await until(() => /descriptor 5, which systemd should have handed over/.test(held.said()), 'the sentence');
});

test('/status names the address that its client came from', async () => {
  const status = (await (await fetch(`${web}/status`)).json()) as { client: object };
  assert.deepEqual(status.client, { address: '127.0.0.1' });
});
