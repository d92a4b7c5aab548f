/** A service that has no file descriptor left says so with the right remedy, and takes no processor. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { chainEnvironment, type ServiceName, startProcess } from './support/services.ts';
import { until } from './support/until.ts';
import { handshake } from './support/zmtp.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
before(async () => {
  folder = await temporaryFolder();
});
after(() => folder[Symbol.asyncDispose]());

/** Starts a service that may have this many descriptors. */
function limited(name: ServiceName, descriptors: number, env: Record<string, string | number>) {
  const script = `ulimit -n ${descriptors}; exec "$0" apps/${name}/main.ts`;
  return startProcess(name, 'sh', ['-c', script, process.execPath], env);
}

const REMEDY = /no file descriptor is left; raise the limit \(ulimit -n/;

/** Processor time so far, in seconds (proc(5)). */
const cpuSeconds = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

for (const [kind, words] of [
  ['say nothing', Buffer.of()],
  ['subscribe', handshake('SUB')],
] as const) {
  test(`a redactor whose descriptors are used up by clients that ${kind} names the remedy, and rests`, async () => {
    const { redactor } = await chainEnvironment();
    await using service = limited('redactor', 60, redactor);
    await service.logged(({ level, msg }) => level === 'info' && /pixels of every edge/.test(msg));
    const pid = service.process.pid!;
    const free = 60 - readdirSync(`/proc/${pid}/fd`).length;
    const clients = Array.from({ length: free + 20 }, () => {
      const socket = connect(redactor.REDACTOR_PORT, '127.0.0.1').on('error', () => {});
      socket.write(words);
      return socket.resume();
    });
    const line = await service.logged(({ msg }) => REMEDY.test(msg));
    assert.equal(line.level, 'warn');
    await until(async () => {
      const before = cpuSeconds(pid);
      await new Promise(resolve => setTimeout(resolve, 1000));
      return cpuSeconds(pid) - before < 0.1;
    }, 'an idle second');
    // It is there again for others.
    for (const client of clients) client.destroy();
    const greeted = async () => {
      const socket = connect(redactor.REDACTOR_PORT, '127.0.0.1').on('error', () => {});
      const { promise, resolve } = Promise.withResolvers<boolean>();
      socket.once('data', () => resolve(true)).once('close', () => resolve(false));
      const isGreeted = await promise;
      socket.destroy();
      return isGreeted;
    };
    await until(greeted, 'a greeting');
  });
}

test('a visualizer whose descriptors are used up names the remedy, once, and lives on without a card', async () => {
  const { visualizer, web } = await chainEnvironment();
  await using service = limited('visualizer', 60, visualizer);
  await service.logged(({ msg }) => /^serving the picture/.test(msg));
  const clients = Array.from({ length: 60 }, () =>
    connect(visualizer.VISUALIZER_PORT, '127.0.0.1').on('error', () => {}),
  );
  const line = await service.logged(({ msg }) => REMEDY.test(msg));
  assert.equal(line.level, 'warn');
  // The card is drawn by a library that is loaded with the first one.
  for (const client of clients) client.write('GET /snapshot.jpg HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await service.logged(({ msg }) =>
    msg.startsWith('the card that says why there is no picture cannot be drawn'),
  );
  for (const client of clients) client.write('GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n');
  for (const client of clients) client.destroy();
  await until(async () => {
    const answer = await fetch(`${web}/snapshot.jpg`).catch(() => undefined);
    return answer?.headers.get('content-type') === 'image/jpeg';
  }, 'a card');
});

test('a playback without descriptors ends with the remedy for just that, in one clean sentence', async () => {
  const clip = await makeClip(`${folder.path}/clip.mp4`);
  const { playback } = await chainEnvironment({ DATA_FILE: clip });
  // From too few to look at the clip to almost enough to play it.
  for (const descriptors of [24, 28, 32]) {
    await using service = limited('playback', descriptors, playback);
    assert.equal(await service.ended, 1);
    const last = service.log.at(-1)!;
    assert.match(last.msg, REMEDY, `with ${descriptors}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(last.msg, /[\x00-\x1f]/);
  }
});
