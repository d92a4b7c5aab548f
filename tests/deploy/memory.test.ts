/** What a service accepts fits into the memory limit of its container, whoever sends it and however fast. */
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { get } from 'node:http';
import { test } from 'node:test';
import { Publisher, Subscriber } from 'zeromq';
import { FrameLayout, writeStamp } from '../../apps/common/frame.ts';
import { memoryGroup } from '../support/cgroup.ts';
import { freePorts } from '../support/ports.ts';
import { metric, startProcess } from '../support/services.ts';
import { until } from '../support/until.ts';
import { connectRaw } from '../support/zmtp.ts';

const MB = 2 ** 20;

/** A publisher that drops nothing: a send blocks, no longer than its time-out while the link is down. */
async function waitingPublisher(port: number, sockets: DisposableStack): Promise<Publisher> {
  const publisher = new Publisher({
    noDrop: true,
    linger: 0,
    sendHighWaterMark: 2,
    sendTimeout: 500,
  } as object);
  sockets.defer(() => publisher.close());
  await publisher.bind(`tcp://127.0.0.1:${port}`);
  return publisher;
}

for (const { service, limitMb, refusedSide } of [
  { service: 'redactor', limitMb: 512, refusedSide: 7000 },
  { service: 'visualizer', limitMb: 1024, refusedSide: 9000 },
] as const) {
  test(`the ${service} outlives a flood of the largest frames that it takes, and of larger ones`, async () => {
    const [input = 0, output = 0, telemetry = 0] = await freePorts(3);
    await using group = await memoryGroup(limitMb * MB);
    using sockets = new DisposableStack();
    const publisher = await waitingPublisher(input, sockets);
    const downstream = new Subscriber({ linger: 0 });
    sockets.defer(() => downstream.close());
    if (service === 'redactor') {
      downstream.connect(`tcp://127.0.0.1:${output}`);
      downstream.subscribe();
      void (async () => {
        for await (const parts of downstream) void parts;
      })();
    }
    const [command = '', ...args] = [...group.enter, process.execPath, `apps/${service}/main.ts`];
    await using running = startProcess(service, command, args, {
      PLAYBACK_HOST: '127.0.0.1',
      PLAYBACK_PORT: input,
      REDACTOR_HOST: '127.0.0.1',
      REDACTOR_PORT: service === 'redactor' ? output : input,
      METRICS_PORT: telemetry,
      VISUALIZER_PORT: telemetry,
      ALLOW_UNMARKED_FRAMES: 1,
    });
    const count = (kind: string) =>
      metric(`http://127.0.0.1:${telemetry}`, `noaa_${service}_frames_${kind}_total`);
    const taken = () => count(service === 'redactor' ? 'published' : 'received');

    let sequence = 0n;
    const flood = async (side: number, over: () => Promise<boolean>) => {
      const layout = new FrameLayout('i420', side, side);
      const deadlineMs = performance.now() + 60_000;
      while (!(await over())) {
        assert.ok(performance.now() < deadlineMs, `a flood of ${side}×${side} had no effect`);
        for (let i = 0; i < 5; i += 1) {
          const message = layout.allocate();
          writeStamp(message, { sequence, publishedAtNs: 0n, positionUs: sequence * 1000n });
          sequence += 1n;
          await publisher.send(message).catch(() => {});
        }
      }
    };
    await until(async () => (await taken().catch(() => undefined)) !== undefined, `the ${service} to answer`);
    await flood(5424, async () => ((await taken()) ?? 0) >= 40);
    // Refused with a reason, since it is at most twice as long as what is taken.
    await flood(refusedSide, async () => running.log.some(line => line['reason'] === 'too-long'));
    let floods = 0;
    await flood(10_848, async () => ++floods > 3);
    const before = (await taken()) ?? 0;
    await flood(64, async () => ((await taken()) ?? 0) > before);
    assert.equal(await group.killed(), false);
    assert.equal((await running.stop()).how, 0);
  });
}

test('a visualizer outlives noise, of which a JPEG is as large as its frame, and viewers that take it slowly', async () => {
  const [input = 0, http = 0] = await freePorts(2);
  await using group = await memoryGroup(400 * MB);
  using sockets = new DisposableStack();
  const publisher = await waitingPublisher(input, sockets);
  const [command = '', ...args] = [...group.enter, process.execPath, 'apps/visualizer/main.ts'];
  await using running = startProcess('visualizer', command, args, {
    REDACTOR_HOST: '127.0.0.1',
    REDACTOR_PORT: input,
    VISUALIZER_PORT: http,
    ALLOW_UNMARKED_FRAMES: 1,
    LOOP_MB: 0,
  });
  const web = `http://127.0.0.1:${http}`;
  await running.logged(({ msg }) => msg.startsWith('serving the picture'));
  for (const path of ['stream', 'stream.mjpg']) {
    for (const isSlow of [false, true]) {
      const viewer = get(`${web}/${path}`, answer => {
        answer.on('error', () => {}).resume();
        if (isSlow) answer.once('data', () => answer.pause());
      });
      sockets.defer(() => viewer.on('error', () => {}).destroy());
    }
  }
  const noise = Buffer.alloc(2 ** 20);
  let sequence = 0n;
  const flood = async (side: number, over: () => Promise<boolean>) => {
    const layout = new FrameLayout('i420', side, side);
    while (!(await over())) {
      assert.equal(await group.killed(), false, `by ${side}×${side}`);
      const message = layout.allocate();
      message.fill(randomFillSync(noise), layout.pixelOffset, layout.pixelOffset + layout.pixelBytes);
      sequence += 1n;
      writeStamp(message, { sequence, publishedAtNs: 0n, positionUs: sequence });
      await publisher.send(message).catch(() => {});
    }
  };
  const encoded = () => metric(web, 'noaa_visualizer_frames_encoded_total').catch(() => 0);
  // Fits eight times, and its pictures would not.
  let sent = 0;
  await flood(4560, async () => ++sent > 60 || running.log.some(line => line['reason'] === 'too-long'));
  assert.ok(running.log.some(line => line['reason'] === 'too-long'));
  await flood(3440, async () => ((await encoded()) ?? 0) >= 8);
  assert.equal(await group.killed(), false);
});

test('subscribers that take nothing, each of another frame, are dropped and named before they fill the memory', async () => {
  const [input = 0, output = 0, telemetry = 0] = await freePorts(3);
  await using group = await memoryGroup(256 * MB);
  using sockets = new DisposableStack();
  const publisher = new Publisher({ linger: 0, sendHighWaterMark: 2 });
  sockets.defer(() => publisher.close());
  await publisher.bind(`tcp://127.0.0.1:${input}`);
  const [command = '', ...args] = [...group.enter, process.execPath, 'apps/redactor/main.ts'];
  await using running = startProcess('redactor', command, args, {
    PLAYBACK_HOST: '127.0.0.1',
    PLAYBACK_PORT: input,
    REDACTOR_HOST: '127.0.0.1',
    REDACTOR_PORT: output,
    METRICS_PORT: telemetry,
  });
  await running.logged(({ msg }) => /pixels of every edge/.test(msg));
  const layout = new FrameLayout('i420', 1920, 1080);
  let sequence = 0n;
  let silent = 0;
  const sending = setInterval(() => {
    const message = layout.allocate();
    writeStamp(message, { sequence, publishedAtNs: 0n, positionUs: sequence });
    sequence += 1n;
    void publisher.send(message).catch(() => {});
    if (silent === 120) return;
    silent += 1;
    void connectRaw(output).then(
      subscriber => {
        sockets.defer(() => subscriber.destroy());
        subscriber.pause().write(Buffer.of(0, 1, 1));
      },
      () => {},
    );
  }, 40);
  sockets.defer(() => clearInterval(sending));
  const line = await running.logged(({ msg }) => /do not take their frames, and memory runs out/.test(msg));
  assert.equal(line.level, 'warn');
  const honest = new Subscriber({ linger: 0, reconnectInterval: 50 });
  sockets.defer(() => honest.close());
  honest.connect(`tcp://127.0.0.1:${output}`);
  honest.subscribe();
  await honest.receive();
  assert.equal(await group.killed(), false);
});
