/** The whole chain as its users meet it: any order, any time, live or saying that it is not. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { brightest, decodeJpeg } from './support/jpeg.ts';
import {
  chainEnvironment,
  freePorts,
  metric,
  type ServiceName,
  startChain,
  startService,
  until,
} from './support/services.ts';
import { events, firstEvent, open, parts } from './support/streams.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let clip: string;
before(async () => {
  folder = await temporaryFolder();
  clip = await makeClip(`${folder.path}/clip.mp4`);
});
after(() => folder[Symbol.asyncDispose]());

const isLive = ({ event, data }: { event: string; data: { state?: string } }) =>
  event === 'status' && data.state === 'live';
const isFrame = ({ event }: { event: string }) => event === 'frame';
const readJson = async (url: string) => (await (await fetch(url)).json()) as Record<string, never>;

describe('HTTP', () => {
  let chain: Awaited<ReturnType<typeof startChain>>;
  before(async () => {
    chain = await startChain({ DATA_FILE: clip, MAX_VIEWERS: 3 });
  });
  after(() => chain[Symbol.asyncDispose]());

  const viewersNow = () => metric(chain.web, 'noaa_visualizer_viewers{stream="sse"}');

  test('/stream gives frames with all their facts and the status, and an event has no id', async () => {
    const response = await open(`${chain.web}/stream`);
    assert.match(String(response.headers['content-type']), /^text\/event-stream/);
    assert.equal(response.headers['cache-control'], 'no-store');
    assert.equal(response.headers['x-accel-buffering'], 'no');
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (text.split('event: frame').length > 4) break;
    }
    assert.doesNotMatch(text, /^id:/m);

    const frames = [];
    for await (const { event, data } of events(`${chain.web}/stream`)) {
      if (event === 'frame') frames.push(data);
      if (frames.length === 5) break;
    }
    for (const frame of frames) {
      assert.deepEqual(Object.keys(frame), [
        'seq',
        'width',
        'height',
        'publishedAt',
        'position',
        'latencyMs',
        'jpeg',
      ]);
      assert.deepEqual([frame.width, frame.height], [320, 240]);
      assert.ok(
        Math.abs(frame.publishedAt - Date.now()) < 20_000,
        'publishedAt is the time now, in milliseconds',
      );
      assert.ok(frame.position >= 0 && frame.position < 2e6, 'position is in microseconds, within the clip');
      assert.ok(frame.latencyMs > 0 && frame.latencyMs < 10_000);
      const picture = await decodeJpeg(Buffer.from(frame.jpeg, 'base64'));
      assert.deepEqual([picture.width, picture.height], [320, 240]);
    }
    const order = frames.map(({ seq }) => seq);
    assert.deepEqual(
      order,
      [...new Set(order)].sort((a, b) => a - b),
    );
  });

  test('/stream.mjpg gives whole JPEGs, each with its length, number and time', async () => {
    let count = 0;
    for await (const { headers, body } of parts(`${chain.web}/stream.mjpg`)) {
      assert.equal(headers['content-type'], 'image/jpeg');
      assert.ok(Number(headers['x-sequence']) >= 0);
      assert.ok(Math.abs(Number(headers['x-timestamp']) - Date.now() / 1000) < 20, 'seconds since 1970');
      assert.deepEqual([...body.subarray(0, 2), ...body.subarray(-2)], [0xff, 0xd8, 0xff, 0xd9]);
      count += 1;
      if (count === 5) break;
    }
  });

  test('an image element of Blink gets the next part’s headers at once, so that it shows no frame late', async () => {
    const chrome =
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36';
    const response = await open(`${chain.web}/stream.mjpg`, undefined, {
      'user-agent': chrome,
      'sec-fetch-dest': 'image',
    });
    let bytes = Buffer.alloc(0);
    for await (const chunk of response) {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf(Buffer.from([0xff, 0xd9, 0x0d, 0x0a, 0x2d, 0x2d]));
      if (end < 0 || bytes.indexOf('\r\n\r\n', end) < 0) continue;
      assert.match(
        bytes.subarray(end + 2).toString('latin1'),
        /^\r\n--noaa-frame\r\nContent-Type: image\/jpeg\r\n\r\n/,
      );
      break;
    }
  });

  test('/snapshot.jpg is the newest frame, and cannot be cached', async () => {
    const first = await fetch(`${chain.web}/snapshot.jpg`);
    assert.equal(first.status, 200);
    assert.equal(first.headers.get('content-type'), 'image/jpeg');
    assert.equal(first.headers.get('cache-control'), 'no-store');
    const picture = await decodeJpeg(Buffer.from(await first.arrayBuffer()));
    assert.ok(brightest(picture, (x, y) => x > 101 && x < 200 && y > 101 && y < 120) > 60);
    const again = await until(async () => {
      const response = await fetch(`${chain.web}/snapshot.jpg`);
      await response.arrayBuffer();
      return response.headers.get('x-sequence') !== first.headers.get('x-sequence');
    }, 'a newer frame');
    assert.ok(again);
  });

  test('/status, /metrics and the health paths tell that the picture is live', async () => {
    const status = await readJson(`${chain.web}/status`);
    assert.equal(status['state'], 'live');
    assert.deepEqual(Object.keys(status['dropped'] as never), ['upstream', 'encoder', 'viewer']);
    for (const path of ['/livez', '/readyz', '/healthz'])
      assert.equal((await fetch(chain.web + path)).status, 200, path);
    assert.ok(((await metric(chain.web, 'noaa_visualizer_frames_received_total')) as number) > 0);
    for (const telemetry of [chain.playbackTelemetry, chain.redactorTelemetry]) {
      for (const path of ['/livez', '/readyz', '/healthz'])
        assert.equal((await fetch(telemetry + path)).status, 200, path);
    }
    for (const base of [chain.web, chain.playbackTelemetry, chain.redactorTelemetry]) {
      const text = await (await fetch(`${base}/metrics`)).text();
      for (const [, name] of text.matchAll(/^# TYPE (\S+) counter$/gm))
        assert.match(name ?? '', /^noaa_.*_total$/);
      for (const [, name] of text.matchAll(/^# TYPE (\S+)/gm)) assert.match(name ?? '', /^noaa_/);
    }
  });

  test('every answer forbids inline script, sniffing and framing, and allows no other origin', async () => {
    for (const path of ['/', '/status', '/nothing-here', '/stream', '/stream.mjpg', '/snapshot.jpg']) {
      const response = await open(chain.web + path);
      response.destroy();
      const policy = String(response.headers['content-security-policy']);
      assert.match(policy, /default-src 'none'/, path);
      assert.doesNotMatch(policy, /unsafe-inline/);
      assert.equal(response.headers['x-content-type-options'], 'nosniff');
      assert.equal(response.headers['access-control-allow-origin'], undefined);
    }
  });

  test('a rate that is none is answered with one sentence, a method that is none with 405', async () => {
    for (const fps of ['abc', '0', '-1', 'NaN', '1e-9']) {
      const response = await fetch(`${chain.web}/stream?fps=${fps}`);
      assert.equal(response.status, 400);
      assert.match(await response.text(), /^fps=.*frames a second.*\n$/);
    }
    assert.equal((await fetch(`${chain.web}/stream`, { method: 'POST' })).status, 405);
    assert.equal((await fetch(`${chain.web}/stream`, { method: 'HEAD' })).status, 200);
  });

  test('?fps caps one viewer’s rate and no other’s', async () => {
    const [capped, free] = await Promise.all(
      ['?fps=5', ''].map(async query => {
        let frames = 0;
        let beganMs = 0;
        for await (const { event, data } of events(`${chain.web}/stream${query}`)) {
          if (event !== 'frame') continue;
          beganMs ||= data.publishedAt;
          if (data.publishedAt - beganMs > 2000) break;
          frames += 1;
        }
        return frames / 2;
      }),
    );
    assert.ok(capped !== undefined && capped <= 6, `${capped} a second where 5 were asked for`);
    assert.ok(free !== undefined && free > 10, `${free} a second where 30 are to be had`);
  });

  test('one viewer more than MAX_VIEWERS is told 503 and when to try again; a place that is left is given', async () => {
    const closing = new AbortController();
    const viewers = await Promise.all(
      ['/stream', '/stream.mjpg', '/stream'].map(path => open(chain.web + path, closing.signal)),
    );
    for (const viewer of viewers) viewer.on('error', () => {}).resume();
    const refused = await fetch(`${chain.web}/stream`);
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    assert.match(await refused.text(), /MAX_VIEWERS/);
    closing.abort();
    await until(async () => (await viewersNow()) === 0, 'the places to be free');
    (await open(`${chain.web}/stream`)).destroy();
  });

  test('nothing is encoded while nobody watches, and once however many do', async () => {
    await until(async () => (await viewersNow()) === 0, 'nobody to watch');
    const count = async () => ({
      received: (await metric(chain.web, 'noaa_visualizer_frames_received_total')) as number,
      encoded: (await metric(chain.web, 'noaa_visualizer_frames_encoded_total')) as number,
    });
    const idle = await until(count, 'the counts');
    await until(async () => (await count()).received > idle.received + 30, 'a second of frames');
    assert.equal((await count()).encoded, idle.encoded);

    const closing = new AbortController();
    for (const path of ['/stream', '/stream', '/stream.mjpg']) {
      (await open(chain.web + path, closing.signal)).on('error', () => {}).resume();
    }
    const watched = await count();
    await until(async () => (await count()).received > watched.received + 30, 'a second of frames');
    const end = await count();
    closing.abort();
    assert.ok(end.encoded > watched.encoded);
    assert.ok(
      end.encoded - watched.encoded <= end.received - watched.received + 1,
      'a frame was encoded more than once',
    );
  });
});

describe('any order, any time', () => {
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
      const decoders = childrenOf(playback.process.pid);
      assert.ok(decoders.length > 0);
      for (const service of Object.values(chain.services)) {
        const { how, ms } = await service.stop(signal);
        assert.equal(how, 0, JSON.stringify(service.log.at(-1)));
        assert.ok(ms < 1000, `${ms} ms`);
      }
      viewer.destroy();
      for (const pid of decoders) assert.throws(() => process.kill(pid, 0), 'an ffmpeg is left');
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
      const [metrics = 0] = await freePorts(1);
      const own = name === 'visualizer' ? {} : { METRICS_PORT: metrics };
      await using service = startService(name, { ...chain.environment[name], ...own });
      assert.equal(await service.ended, 1);
      assert.match(service.log.at(-1)?.msg ?? '', new RegExp(`port \\d+ .*already taken; set ${variable}`));
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
});

describe('no queue grows', () => {
  test('a subscriber that has stopped costs its publisher a frame or two, and newer frames replace older ones', async () => {
    const large = await makeClip(`${folder.path}/large.mp4`, { size: '1920x1080', seconds: 2, fps: 30 });
    await using chain = await startChain({ DATA_FILE: large });
    const { playback, redactor } = chain.services;
    const published = () =>
      metric(chain.playbackTelemetry, 'noaa_playback_frames_published_total') as Promise<number>;
    await until(async () => (await published()) > 60, 'memory to settle');
    redactor.process.kill('SIGSTOP');
    const before = { rss: residentBytes(playback.process.pid), frames: await published() };
    await until(async () => (await published()) > before.frames + 120, '120 frames of 3 MB');
    const grown = residentBytes(playback.process.pid) - before.rss;
    redactor.process.kill('SIGCONT');
    assert.ok(grown < 120e6, `${(grown / 1e6).toFixed(0)} MB more while 373 MB of frames went by`);
    await firstEvent(`${chain.web}/stream`, isFrame);
    assert.ok(
      ((await metric(chain.redactorTelemetry, 'noaa_redactor_frames_missed_total')) as number) > 60,
      'the loss is not counted',
    );
  });

  test('viewers that read nothing cost the others no frame, and what they miss is counted', async () => {
    const large = await makeClip(`${folder.path}/noise.mp4`, {
      size: '1280x720',
      filters: 'noise=alls=60:allf=t',
    });
    await using chain = await startChain({ DATA_FILE: large });
    const closing = new AbortController();
    for (let i = 0; i < 20; i += 1) {
      const stalled = await open(chain.web + (i % 2 ? '/stream' : '/stream.mjpg'), closing.signal);
      stalled.on('error', () => {}).pause();
    }
    const rss = () => residentBytes(chain.services.visualizer.process.pid);
    const encoded = () => metric(chain.web, 'noaa_visualizer_frames_encoded_total') as Promise<number>;
    const settled = { rss: 0, encoded: 0 };
    let frames = 0;
    for await (const { event } of events(`${chain.web}/stream`)) {
      if (event !== 'frame') continue;
      frames += 1;
      if (frames === 60) {
        settled.rss = rss();
        settled.encoded = await encoded();
      }
      if (frames === 180) break;
    }
    const offered = (await encoded()) - settled.encoded;
    const grown = rss() - settled.rss;
    const skipped = await metric(chain.web, 'noaa_visualizer_frames_dropped_total{cause="viewer"}');
    closing.abort();
    assert.ok((skipped ?? 0) > 20 * 20, `only ${skipped} skips are counted`);
    assert.ok(offered <= 120 * 1.05 + 3, `of ${offered} pictures a viewer that reads got 120`);
    assert.ok(grown < 80e6, `${(grown / 1e6).toFixed(0)} MB more`);
  });
});

function residentBytes(pid: number | undefined): number {
  const kib = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)]).toString();
  return Number(kib) * 1024;
}

function childrenOf(pid: number | undefined): number[] {
  return execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)])
    .toString()
    .trim()
    .split(/\s+/)
    .map(Number);
}
