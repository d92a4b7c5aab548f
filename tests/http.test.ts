/** What the visualizer serves to viewers and scrapers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import type { LoopChange, LoopList } from '../apps/visualizer/messages.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { alerts, faultsOf, panels, selectorsIn } from './support/expressions.ts';
import { brightest, decodeJpeg } from './support/jpeg.ts';
import { metric, startChain } from './support/services.ts';
import { events, open, parts } from './support/streams.ts';
import { until } from './support/until.ts';

const readJson = async (url: string) => (await (await fetch(url)).json()) as Record<string, never>;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let chain: Awaited<ReturnType<typeof startChain>>;
before(async () => {
  folder = await temporaryFolder();
  chain = await startChain({ DATA_FILE: await makeClip(`${folder.path}/clip.mp4`), MAX_VIEWERS: 3 });
});
after(async () => {
  await chain[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

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
      'validAt',
      'mask',
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

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36';

/** Returns what comes after the first picture and before the second. */
async function afterFirstPicture(headers: Record<string, string>): Promise<string> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of await open(`${chain.web}/stream.mjpg`, undefined, headers)) {
    bytes = Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf(Buffer.from([0xff, 0xd9, 0x0d, 0x0a, 0x2d, 0x2d]));
    if (end >= 0 && bytes.indexOf('\r\n\r\n', end) >= 0) return bytes.subarray(end + 2).toString('latin1');
  }
  return assert.fail('the stream ended');
}

for (const [where, headers] of Object.entries({
  'on localhost': { accept: 'image/avif,image/webp,image/*,*/*;q=0.8', 'sec-fetch-dest': 'image' },
  'across a network': { accept: 'image/avif,image/webp,image/*,*/*;q=0.8' },
  'in a tab across a network': { accept: 'text/html,application/xhtml+xml,image/webp,*/*;q=0.8' },
})) {
  test(`an image of Blink ${where} gets the next part’s headers at once, so that it shows no frame late`, async () => {
    assert.match(
      await afterFirstPicture({ 'user-agent': CHROME, ...headers }),
      /^\r\n--noaa-frame\r\nContent-Type: image\/jpeg\r\n\r\n/,
    );
  });
}

test('a script in Blink gets parts with their length', async () => {
  const headers = { 'user-agent': CHROME, accept: '*/*' };
  assert.match(
    await afterFirstPicture(headers),
    /^\r\n--noaa-frame\r\nContent-Type: image\/jpeg\r\nContent-Length: /,
  );
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

test('the bytes written to a viewer are counted, as its log line has them', async () => {
  const sent = () => metric(chain.web, 'noaa_visualizer_sent_bytes_total');
  const mjpeg = () => metric(chain.web, 'noaa_visualizer_viewers{stream="mjpeg"}');
  await until(async () => (await viewersNow()) === 0 && (await mjpeg()) === 0, 'other viewers to leave');
  const before = (await sent())!;
  const ended = chain.services.visualizer.log.length;
  const response = await open(`${chain.web}/stream.mjpg`);
  let taken = 0;
  for await (const chunk of response) {
    taken += chunk.length;
    if (taken > 100_000) break;
  }
  const visit = () => chain.services.visualizer.log.slice(ended).find(line => 'ending' in line);
  await until(() => visit() !== undefined, 'the viewer to leave');
  assert.ok(Number(visit()?.['bytes']) >= taken, `${taken} bytes were taken`);
  assert.equal((await sent())! - before, visit()?.['bytes']);
});

test('every metric and label that an alert or a panel asks for is there', async () => {
  const bases = [chain.web, chain.playbackTelemetry, chain.redactorTelemetry];
  const printed = await Promise.all(bases.map(async base => (await fetch(`${base}/metrics`)).text()));
  const selectors = [...alerts().values(), ...panels()].flatMap(selectorsIn);
  assert.ok(selectors.length > 50, `${selectors.length}`);
  assert.deepEqual(
    selectors.flatMap(selector => faultsOf(selector, printed.join('\n'))),
    [],
  );
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
  assert.equal(await metric(chain.web, 'noaa_visualizer_viewers_rejected_total{reason="full"}'), 1);
  closing.abort();
  await until(async () => (await viewersNow()) === 0, 'the places to be free');
  (await open(`${chain.web}/stream`)).destroy();
});

test('without the loop nothing is encoded while nobody watches, and once however many do', async () => {
  await using chain = await startChain({ DATA_FILE: `${folder.path}/clip.mp4`, LOOP_FRAMES: 0 });
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

test('a clip that the loop holds whole is encoded for two rounds, and no more', async () => {
  const counts = async () => ({
    encoded: (await metric(chain.web, 'noaa_visualizer_frames_encoded_total')) as number,
    recalled: (await metric(chain.web, 'noaa_visualizer_frames_recalled_total')) as number,
  });
  const rounds = async () => (await metric(chain.playbackTelemetry, 'noaa_playback_passes_total')) ?? 0;
  await until(async () => (await rounds()) >= 3, 'three rounds of the clip');
  const before = await counts();
  await until(async () => (await counts()).recalled > before.recalled + 60, 'two rounds more');
  // A frame that was dropped in the rounds before may still be new.
  const encoded = (await counts()).encoded - before.encoded;
  assert.ok(encoded <= 6, `${encoded} frames were encoded again`);
});

test('a client that asks two hundred times at once, is answered once and sent away', async () => {
  const { hostname, port } = new URL(chain.web);
  const socket = connect(Number(port), hostname).on('error', () => {});
  let said = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text;
  });
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200));
  await once(socket, 'close', { signal: AbortSignal.timeout(5000) });
  assert.ok(said.split('HTTP/1.1 200').length - 1 <= 1, 'one answer at most');
  assert.equal((await fetch(`${chain.web}/livez`)).status, 200);
});

test('/loop lists a clip that repeats once, and each of its pictures can be had and cached for good', async () => {
  const listing = () => readJson(`${chain.web}/loop`) as Promise<unknown> as Promise<LoopList>;
  const rounds = () => metric(chain.playbackTelemetry, 'noaa_playback_passes_total');
  await until(async () => ((await rounds()) ?? 0) >= 3, 'three rounds of the clip');
  const { frames, bytes, maxBytes, maxFrames } = await listing();
  assert.deepEqual([maxBytes, maxFrames], [256 * 2 ** 20, 600]);
  const positions = frames.map(({ position }) => position!);
  assert.deepEqual(
    positions,
    [...new Set(positions)].sort((a, b) => a - b),
    'oldest first, and each once',
  );
  assert.equal(
    bytes,
    frames.reduce((sum, frame) => sum + frame.bytes, 0),
  );
  for (const { id, bytes: length, width, height } of frames.slice(0, 5)) {
    const answer = await fetch(`${chain.web}/loop/${id}.jpg`);
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(answer.headers.get('content-type'), 'image/jpeg');
    const jpeg = Buffer.from(await answer.arrayBuffer());
    assert.equal(jpeg.length, length);
    const decoded = await decodeJpeg(jpeg);
    assert.deepEqual([decoded.width, decoded.height], [width, height]);
  }
  for (const path of ['/loop/nothing.jpg', '/loop/..%2f..%2fpackage.json', '/loop/__proto__.jpg']) {
    assert.equal((await fetch(`${chain.web}${path}`)).status, 404, path);
  }
});

test('a viewer of /stream learns which pictures came into the loop and which left', async () => {
  const made = await temporaryFolder();
  await using small = await startChain({
    DATA_FILE: await makeClip(`${made.path}/clip.mp4`),
    LOOP_FRAMES: 5,
  });
  const held = new Set<string>();
  let changes = 0;
  for await (const { event, data } of events(`${small.web}/stream`)) {
    if (event !== 'loop') continue;
    const { added, removed } = data as unknown as LoopChange;
    for (const id of removed) held.delete(id);
    for (const { id } of added) held.add(id);
    changes += 1;
    if (changes === 20) break;
  }
  assert.ok(held.size <= 5, `${held.size} pictures`);
  await made[Symbol.asyncDispose]();
});

test('the page’s files are compressed for clients that accept it, and for no other', async () => {
  const encoding = async (accepted: string, path: string) =>
    (await fetch(chain.web + path, { headers: { 'accept-encoding': accepted } })).headers.get(
      'content-encoding',
    );
  assert.equal(await encoding('gzip', '/'), 'gzip');
  assert.equal(await encoding('identity', '/'), null);
  assert.equal(await encoding('gzip', '/snapshot.jpg'), null);
});
