/** Any service may start, stop, stall and restart at any time, in any order. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { ffmpeg, makeClip, shapeOf, temporaryFolder } from './support/clips.ts';
import { brightest, decodeJpeg } from './support/jpeg.ts';
import { freePort } from './support/ports.ts';
import { childrenOf, isAlive } from './support/processes.ts';
import { chainEnvironment, metric, type ServiceName, startChain, startService } from './support/services.ts';
import { events, firstEvent, open, parts } from './support/streams.ts';
import { until } from './support/until.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip: string;
before(async () => {
  folder = await temporaryFolder();
  clip = await makeClip(`${folder.path}/clip.mp4`);
});
after(() => folder[Symbol.asyncDispose]());

const isFrame = ({ event }: { event: string }) => event === 'frame';
const isLive = ({ event, data }: { event: string; data: { state?: string } }) =>
  event === 'status' && data.state === 'live';

const orders: ServiceName[][] = [
  ['visualizer', 'redactor', 'playback'],
  ['playback', 'redactor', 'visualizer'],
  ['redactor', 'playback', 'visualizer'],
];
for (const order of orders) {
  test(`started in the order ${order.join(', ')}, the picture comes`, async () => {
    const environment = await chainEnvironment({ DATA_FILE: clip });
    await using stack = new AsyncDisposableStack();
    for (const name of order) {
      const service = stack.use(startService(name, environment[name]));
      await service.logged(line => line.level === 'info');
    }
    await firstEvent(`${environment.web}/stream`, isFrame);
  });
}

test('before the first frame a viewer gets a card and 503s, and is told what is waited for', async () => {
  const { visualizer, web } = await chainEnvironment();
  await using service = startService('visualizer', visualizer);
  await service.logged(line => /serving/.test(line.msg));
  const status = await firstEvent(`${web}/stream`, ({ event }) => event === 'status');
  assert.equal(status.data.state, 'waiting');
  assert.match(status.data.message, /redactor at tcp:/);
  const snapshot = await fetch(`${web}/snapshot.jpg`);
  assert.equal(snapshot.status, 503);
  const card = await decodeJpeg(Buffer.from(await snapshot.arrayBuffer()));
  assert.ok(brightest(card, () => true) > 150, 'nothing is written on the card');
  for await (const { body } of parts(`${web}/stream.mjpg`)) {
    assert.equal((await decodeJpeg(body)).width, card.width);
    break;
  }
  assert.equal((await fetch(`${web}/livez`)).status, 200);
  assert.equal((await fetch(`${web}/readyz`)).status, 503);
});

test('a recorder that starts before the picture records it in the shape of the clip', async () => {
  const { visualizer, redactor, playback, web } = await chainEnvironment({ DATA_FILE: clip });
  await using _ = startService('visualizer', visualizer);
  await until(() => fetch(`${web}/livez`), 'the visualizer');
  const file = `${folder.path}/recorded.mkv`;
  const recording = ffmpeg('-i', `${web}/stream.mjpg`, '-frames:v', '20', '-c:v', 'ffv1', file);
  await until(
    async () => (await metric(web, 'noaa_visualizer_viewers{stream="mjpeg"}')) === 1,
    'the recorder',
  );
  await using stack = new AsyncDisposableStack();
  stack.use(startService('redactor', redactor));
  stack.use(startService('playback', playback));
  await recording;
  assert.deepEqual(await shapeOf(file), { width: 320, height: 240 });
});

for (const name of ['playback', 'redactor'] as const) {
  test(`when ${name} dies viewers are told within 2 s, and its restart brings the picture back to them`, async () => {
    await using chain = await startChain({ DATA_FILE: clip });
    let diedMs = 0;
    let toldMs = 0;
    let restarted: ReturnType<typeof startService> | undefined;
    for await (const { event, data } of events(`${chain.web}/stream`)) {
      if (event === 'frame' && !diedMs) {
        diedMs = performance.now();
        await chain.services[name].stop('SIGKILL');
      } else if (event === 'status' && diedMs && data.state !== 'live' && !toldMs) {
        toldMs = performance.now() - diedMs;
        restarted = startService(name, chain.environment[name]);
      } else if (event === 'frame' && toldMs) {
        break;
      }
    }
    await restarted?.[Symbol.asyncDispose]();
    assert.ok(toldMs <= 2000, `told after ${toldMs} ms`);
  });
}

test('when the redactor of a slow clip dies viewers are told within 2 s too', async () => {
  // A stall of such a clip shows after 6 s.
  await using chain = await startChain({ DATA_FILE: clip, PLAYBACK_FPS: 0.5 });
  let frames = 0;
  let diedMs = 0;
  for await (const { event, data } of events(`${chain.web}/stream`)) {
    if (event === 'frame') frames += 1;
    if (frames === 3 && !diedMs) {
      diedMs = performance.now();
      await chain.services.redactor.stop('SIGKILL');
    } else if (event === 'status' && diedMs && data.state !== 'live') {
      assert.equal(data.state, 'disconnected');
      break;
    }
  }
  assert.ok(performance.now() - diedMs <= 2000);
  assert.equal((await fetch(`${chain.web}/readyz`)).status, 503);
});

test('when the visualizer is restarted on its port the picture is there again', async () => {
  await using chain = await startChain({ DATA_FILE: clip });
  await chain.services.visualizer.stop();
  await using _ = startService('visualizer', chain.environment.visualizer);
  await until(
    () =>
      fetch(`${chain.web}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    'the picture',
  );
});

test('a stall is told within 2 s, an MJPEG viewer then sees the card, and the picture comes back by itself', async () => {
  await using chain = await startChain({ DATA_FILE: clip });
  const { playback } = chain.services;
  let stalledMs = 0;
  for await (const event of events(`${chain.web}/stream`)) {
    if (!stalledMs && isLive(event)) {
      stalledMs = performance.now();
      playback.process.kill('SIGSTOP');
    } else if (event.event === 'status' && event.data.state === 'stalled') {
      assert.ok(performance.now() - stalledMs <= 2000);
      break;
    }
  }
  for await (const { headers } of parts(`${chain.web}/stream.mjpg`)) {
    assert.equal(headers['x-sequence'], '0');
    break;
  }
  assert.equal((await fetch(`${chain.web}/snapshot.jpg`)).status, 503);
  assert.equal((await fetch(`${chain.redactorTelemetry}/readyz`)).status, 503);
  assert.equal((await fetch(`${chain.redactorTelemetry}/livez`)).status, 200);
  playback.process.kill('SIGCONT');
  await firstEvent(`${chain.web}/stream`, isFrame);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends every service in under a second with 0 and leaves no ffmpeg`, async () => {
    await using chain = await startChain({ DATA_FILE: clip });
    const viewer = (await open(`${chain.web}/stream`)).on('error', () => {}).resume();
    const { playback } = chain.services;
    const decoders = childrenOf(playback.process.pid!, 'ffmpeg');
    assert.ok(decoders.length > 0);
    for (const service of Object.values(chain.services)) {
      const { how, ms } = await service.stop(signal);
      assert.equal(how, 0, JSON.stringify(service.log.at(-1)));
      assert.ok(ms < 1000, `${ms} ms`);
    }
    viewer.destroy();
    for (const pid of decoders) assert.ok(!isAlive(pid), 'an ffmpeg is left');
  });
}

test('a service that waits for its peer ends as quickly', async () => {
  const environment = await chainEnvironment();
  for (const name of ['redactor', 'visualizer'] as const) {
    await using service = startService(name, environment[name]);
    await service.logged(line => line.level === 'info');
    const { how, ms } = await service.stop();
    assert.equal(how, 0);
    assert.ok(ms < 1000, `${name}: ${ms} ms`);
  }
});

test('a port that is taken is named, with the variable that chooses another, and the exit code is 1', async () => {
  await using chain = await startChain({ DATA_FILE: clip });
  for (const [name, variable] of [
    ['playback', 'PLAYBACK_PORT'],
    ['redactor', 'REDACTOR_PORT'],
    ['visualizer', 'VISUALIZER_PORT'],
  ] as const) {
    const metrics = await freePort();
    const own = name === 'visualizer' ? {} : { METRICS_PORT: metrics };
    await using service = startService(name, { ...chain.environment[name], ...own });
    assert.equal(await service.ended, 1);
    assert.match(service.log.at(-1)?.msg ?? '', new RegExp(`port \\d+ .*already taken; set ${variable}`));
  }
});

test('with WAIT_FOR_PORT a port that is taken is named and tried again until it is free, and SIGTERM ends the wait', async () => {
  const environment = await chainEnvironment({ DATA_FILE: clip, WAIT_FOR_PORT: 1 });
  for (const [name, variable] of [
    ['playback', 'PLAYBACK_PORT'],
    ['redactor', 'REDACTOR_PORT'],
    ['visualizer', 'VISUALIZER_PORT'],
  ] as const) {
    const holder = createServer().listen(environment.visualizer[variable], '127.0.0.1');
    await once(holder, 'listening');
    const named = ({ level, msg }: { level: string; msg: string }) =>
      level === 'warn' && msg.includes('already taken') && msg.includes(`set ${variable}`);
    {
      await using impatient = startService(name, environment[name]);
      await impatient.logged(named);
      const { how, ms } = await impatient.stop();
      assert.equal(how, 0);
      assert.ok(ms < 1000, `${name}: ${ms} ms`);
    }
    await using service = startService(name, environment[name]);
    await service.logged(named);
    if (name !== 'visualizer') {
      const ready = await fetch(`${environment[`${name}Telemetry`]}/readyz`);
      assert.equal(ready.status, 503);
      assert.match(await ready.text(), new RegExp(`already taken; set ${variable}`));
    }
    // It has been tried more than once by now.
    await new Promise(resolve => setTimeout(resolve, 600));
    holder.close();
    await service.logged(({ level }) => level === 'info');
    assert.equal(service.log.filter(named).length, 1, 'the same warning within 10 s');
  }
});

test('every bad variable is named at once, with its value and what would do, and the exit code is 2', async () => {
  await using service = startService('visualizer', {
    REDACTOR_PORT: 0,
    REDACTOR_HOST: '*',
    JPEG_QUALITY: 101,
    MAX_VIEWERS: 'many',
    ALLOW_UNMARKED_FRAMES: 'perhaps',
    LOG_LEVEL: 'loud',
  });
  assert.equal(await service.ended, 2);
  assert.equal(service.log.length, 1);
  const said = service.log[0]?.msg ?? '';
  for (const part of [
    'REDACTOR_PORT="0"',
    'REDACTOR_HOST="*"',
    'JPEG_QUALITY="101"',
    'MAX_VIEWERS="many"',
    'ALLOW_UNMARKED_FRAMES="perhaps"',
    'LOG_LEVEL="loud"',
    'from 1 to 100',
  ]) {
    assert.ok(said.includes(part), `${part} is not in: ${said}`);
  }
});
