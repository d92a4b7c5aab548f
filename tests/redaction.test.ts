/** Promise 1: no pixel of the outer frame ever leaves the redactor. Promise 2: nothing unmarked is shown. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Publisher, Subscriber } from 'zeromq';
import { FrameLayout, parseFrame, TRAILER_BYTES, writeStamp } from '../apps/common/frame.ts';
import { ffmpeg, temporaryFolder } from './support/clips.ts';
import { brightest, decodeJpeg } from './support/jpeg.ts';
import { chainEnvironment, metric, startChain, startService } from './support/services.ts';
import { events, open, parts } from './support/streams.ts';
import { until } from './support/until.ts';

const WIDTH = 322;
const HEIGHT = 242;
const BORDER = 40;
const IVF_HEADER_BYTES = 32;

interface Part {
  width?: number;
  height?: number;
  frames?: number;
  output?: string[];
}

/** Lossless, so that what differs under the border differs nowhere else: prediction would carry it inwards. */
async function clipWithBorder(
  path: string,
  source: string,
  pixelFormat: string,
  part: Part = {},
): Promise<string> {
  const { width = WIDTH, height = HEIGHT, frames = 10 } = part;
  const inner = `${width - 2 * BORDER}x${height - 2 * BORDER}`;
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `${source}=size=${width}x${height}:rate=10:duration=1`],
    ...['-f', 'lavfi', '-i', `mandelbrot=size=${inner}:rate=10`],
    ...[
      '-filter_complex',
      `[0]format=${pixelFormat}[b];[1]format=${pixelFormat}[i];[b][i]overlay=${BORDER}:${BORDER}:format=auto:shortest=1,format=${pixelFormat}`,
    ],
    ...['-frames:v', String(frames), ...(part.output ?? ['-c:v', 'ffv1']), path],
  );
  return path;
}

/** Of `WIDTH`×`HEIGHT` first, then smaller and odd, then larger; what differs reaches as far as the border hides it. */
async function changingClip(path: string, source: string, pixelFormat: string): Promise<string> {
  const parts: Buffer[] = [];
  for (const [index, part] of [
    { frames: 4 },
    { width: 121, height: 91, frames: 3 },
    { width: 484, height: 364, frames: 3 },
  ].entries()) {
    const file = `${path}.${index}.ivf`;
    const output = ['-c:v', 'libvpx-vp9', '-lossless', '1', '-deadline', 'realtime'];
    const from = ['-output_ts_offset', String([0, 0.4, 0.7][index])];
    await clipWithBorder(file, source, pixelFormat, { ...part, output: [...output, ...from] });
    parts.push((await readFile(file)).subarray(index === 0 ? 0 : IVF_HEADER_BYTES));
  }
  await writeFile(path, Buffer.concat(parts));
  return path;
}

/** What ten distinct frames of a clip look like to a viewer: a hash of each JPEG, by position. */
async function seenByViewers(clip: string, sizes = [`${WIDTH}x${HEIGHT}`]): Promise<Map<number, string>> {
  await using chain = await startChain({ DATA_FILE: clip, REDACT_WIDTH: BORDER });
  const seen = new Map<number, string>();
  for await (const { event, data } of events(`${chain.web}/stream`)) {
    if (event !== 'frame') continue;
    assert.ok(sizes.includes(`${data.width}x${data.height}`), `a picture of ${data.width}x${data.height}`);
    const hash = createHash('sha256').update(Buffer.from(data.jpeg, 'base64')).digest('hex');
    assert.equal(seen.get(data.position) ?? hash, hash, 'one frame was seen in two ways');
    seen.set(data.position, hash);
    if (seen.size === 10) return seen;
  }
  throw new Error('the stream ended');
}

for (const pixelFormat of ['yuv420p', 'yuv444p', 'yuv422p10']) {
  test(`two ${pixelFormat} clips that differ only under the border give byte-identical JPEGs`, async () => {
    await using folder = await temporaryFolder();
    const bars = await clipWithBorder(join(folder.path, 'bars.mkv'), 'testsrc2', pixelFormat);
    const noise = await clipWithBorder(join(folder.path, 'red.mkv'), 'rgbtestsrc', pixelFormat);
    assert.deepEqual(await seenByViewers(noise), await seenByViewers(bars));
  });
}

for (const pixelFormat of ['yuv420p', 'yuv444p']) {
  test(`and so do two ${pixelFormat} clips that change their size`, async () => {
    await using folder = await temporaryFolder();
    const bars = await changingClip(join(folder.path, 'bars.ivf'), 'testsrc', pixelFormat);
    const red = await changingClip(join(folder.path, 'red.ivf'), 'rgbtestsrc', pixelFormat);
    // Where a clip is even its pictures are.
    const sizes = [`${WIDTH}x${HEIGHT}`, '120x90', '484x364'];
    assert.deepEqual(await seenByViewers(red, sizes), await seenByViewers(bars, sizes));
  });
}

/** A second of white pictures of one size. */
const whiteClip = (path: string, size: string) =>
  ffmpeg('-f', 'lavfi', '-i', `color=white:size=${size}:rate=10:duration=1`, '-c:v', 'mpeg2video', path);

/** Asserts that the next picture of this size is covered as far in from its own edges as `REDACT_WIDTH=100` asks. */
async function assertCovered(web: string, size: string): Promise<void> {
  let jpeg = '';
  let frames = 0;
  for await (const { event, data } of events(`${web}/stream`)) {
    if (event !== 'frame') continue;
    jpeg = data.jpeg;
    if (`${data.width}x${data.height}` === size) break;
    frames += 1;
    assert.ok(frames < 60, `60 frames and none of ${size}`);
  }
  const picture = await decodeJpeg(Buffer.from(jpeg, 'base64'));
  assert.equal(`${picture.width}x${picture.height}`, size);
  const within = (margin: number) => (x: number, y: number) =>
    x < margin || y < margin || x >= picture.width - margin || y >= picture.height - margin;
  // JPEG codes blocks of 16 pixels: from 96 on a block has some of the open picture in it.
  assert.ok(brightest(picture, within(96)) <= 2, `something shows in the border of ${size}`);
  if (picture.height > 232) assert.ok(brightest(picture, (x, y) => !within(116)(x, y)) >= 250);
}

test('a picture is covered in its own pixels when one of another size came before it in the stream', async () => {
  await using folder = await temporaryFolder();
  const sizes = ['320x180', '640x480', '480x360'];
  const parts: Buffer[] = [];
  for (const size of sizes) {
    const part = join(folder.path, `${size}.ts`);
    await whiteClip(part, size);
    parts.push(await readFile(part));
  }
  const clip = join(folder.path, 'joined.ts');
  await writeFile(clip, Buffer.concat(parts));
  await using chain = await startChain({ DATA_FILE: clip, REDACT_WIDTH: 100 });
  for (const size of sizes) await assertCovered(chain.web, size);
});

test('and when the clip was replaced by one of another size', async () => {
  await using folder = await temporaryFolder();
  const clip = join(folder.path, 'clip.mpg');
  await whiteClip(clip, '320x180');
  await using chain = await startChain({ DATA_FILE: clip, REDACT_WIDTH: 100 });
  await assertCovered(chain.web, '320x180');
  for (const size of ['640x480', '480x360']) {
    const next = join(folder.path, 'next.mpg');
    await whiteClip(next, size);
    await rename(next, clip);
    await assertCovered(chain.web, size);
  }
});

test('in every stream the border is near black but for ringing within one 16-pixel block of its inner edge', async () => {
  await using folder = await temporaryFolder();
  const clip = join(folder.path, 'white.mkv');
  await ffmpeg('-f', 'lavfi', '-i', 'color=white:size=400x300:rate=10:duration=1', '-c:v', 'ffv1', clip);
  await using chain = await startChain({ DATA_FILE: clip, REDACT_WIDTH: 64 });
  const jpegs: Buffer[] = [Buffer.from(await (await fetch(`${chain.web}/snapshot.jpg`)).arrayBuffer())];
  for await (const { event, data } of events(`${chain.web}/stream`)) {
    if (event === 'frame') jpegs.push(Buffer.from(data.jpeg, 'base64'));
    if (jpegs.length === 3) break;
  }
  for await (const { body } of parts(`${chain.web}/stream.mjpg`)) {
    jpegs.push(body);
    if (jpegs.length === 5) break;
  }
  for (const jpeg of jpegs) {
    const picture = await decodeJpeg(jpeg);
    const within = (margin: number) => (x: number, y: number) =>
      x < margin || y < margin || x >= picture.width - margin || y >= picture.height - margin;
    assert.ok(brightest(picture, within(64 - 16)) <= 2, 'something shows in the border');
    assert.ok(brightest(picture, (x, y) => !within(64 + 16)(x, y)) >= 250, 'the middle is gone too');
  }
});

test('what the redactor publishes in BGR is exactly 0 under the border and the rest is what playback sent', async () => {
  const { redactor, playback } = await chainEnvironment({ REDACT_WIDTH: 3 });
  const publisher = new Publisher();
  await publisher.bind(`tcp://127.0.0.1:${playback.PLAYBACK_PORT}`);
  await using _ = startService('redactor', redactor);
  const subscriber = new Subscriber({ receiveTimeout: 20_000 });
  subscriber.connect(`tcp://127.0.0.1:${redactor.REDACTOR_PORT}`);
  subscriber.subscribe();

  const layout = new FrameLayout('bgr24', 31, 17);
  const message = layout.allocate().fill(201, layout.pixelOffset, layout.pixelOffset + layout.pixelBytes);
  writeStamp(message, { sequence: 5n, publishedAtNs: 6n, positionUs: 7n, validAtMs: 8 });
  const received = await sendUntilReceived(publisher, message, subscriber);
  publisher.close();
  subscriber.close();

  const frame = parseFrame(received);
  assert.ok(frame.ok);
  assert.deepEqual(
    frame.stamp,
    { sequence: 5n, publishedAtNs: 6n, positionUs: 7n, validAtMs: 8, mask: frame.stamp?.mask },
    'the facts are passed on',
  );
  assert.equal(frame.redacted, true);
  for (let y = 0; y < 17; y += 1) {
    for (let x = 0; x < 31; x += 1) {
      const expected = x <= 3 || y <= 3 || x >= 28 || y >= 14 ? 0 : 201;
      const at = 3 * (y * 31 + x);
      assert.deepEqual(
        [...frame.pixels.subarray(at, at + 3)],
        [expected, expected, expected],
        `at ${x},${y}`,
      );
    }
  }
});

test('the redactor publishes nothing of what it cannot redact with certainty, and counts it by reason', async () => {
  const { redactor, playback, redactorTelemetry } = await chainEnvironment();
  const publisher = new Publisher();
  await publisher.bind(`tcp://127.0.0.1:${playback.PLAYBACK_PORT}`);
  await using service = startService('redactor', redactor);
  const subscriber = new Subscriber({ receiveTimeout: 20_000 });
  subscriber.connect(`tcp://127.0.0.1:${redactor.REDACTOR_PORT}`);
  subscriber.subscribe();
  const good = new FrameLayout('i420', 16, 16).allocate();
  await sendUntilReceived(publisher, good, subscriber);

  const changed = (at: number, value: number) => {
    const message = Buffer.from(good);
    message[at < 0 ? message.length + at : at] = value;
    return message;
  };
  const bad: Record<string, Buffer | Buffer[]> = {
    'multi-part': [good, good],
    'too-short': Buffer.from('hello'),
    'bad-geometry': changed(0, 255),
    'wrong-length': changed(7, 15),
    'unknown-format': changed(5 - TRAILER_BYTES, 9),
    'bad-trailer': changed(4 - TRAILER_BYTES, 9),
    'no-trailer': good.subarray(0, good.length - TRAILER_BYTES),
  };
  for (const [reason, message] of Object.entries(bad)) {
    await until(async () => {
      await publisher.send(message);
      return metric(redactorTelemetry, `noaa_redactor_frames_refused_total{reason="${reason}"}`);
    }, `the refusal ${reason}`);
  }
  const health = await (await fetch(`${redactorTelemetry}/readyz`)).text();
  assert.match(health, /refused|frames flow/);
  assert.ok(service.log.some(line => line.level === 'warn' && line['reason'] === 'wrong-length'));

  // Whatever was published of them would arrive before this one.
  const last = Buffer.from(good);
  writeStamp(last, { sequence: 99n, publishedAtNs: 0n, positionUs: 0n });
  await publisher.send(last);
  for (;;) {
    const [received] = (await subscriber.receive()) as [Buffer];
    const frame = parseFrame(received);
    assert.ok(frame.ok && frame.redacted, 'something unredacted was published');
    if (frame.stamp?.sequence === 99n) break;
    assert.equal(frame.stamp?.sequence, 0n);
  }
  publisher.close();
  subscriber.close();
});

test("pointed at playback's port the visualizer shows nothing in any stream and says why", async () => {
  await using folder = await temporaryFolder();
  const clip = join(folder.path, 'clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10:duration=1', clip);
  const { playback, visualizer, web } = await chainEnvironment({ DATA_FILE: clip });
  await using _playback = startService('playback', playback);
  await using service = startService('visualizer', { ...visualizer, REDACTOR_PORT: playback.PLAYBACK_PORT });
  const { msg } = await service.logged(line => line['state'] === 'refusing');
  assert.match(msg, /not marked as redacted.*REDACTOR_PORT/);

  const status = (await (await fetch(`${web}/status`)).json()) as {
    state: string;
    refused: { unmarked: number };
  };
  assert.equal(status.state, 'refusing');
  assert.ok(status.refused.unmarked > 0);
  assert.equal((await fetch(`${web}/snapshot.jpg`)).status, 503);
  assert.equal((await fetch(`${web}/readyz`)).status, 503);
  let told = 0;
  for await (const { event, data } of events(`${web}/stream`)) {
    assert.equal(event, 'status');
    assert.equal(data.state, 'refusing');
    told += 1;
    if (told === 3) break;
  }
  for await (const { headers, body } of parts(`${web}/stream.mjpg`)) {
    const card = await decodeJpeg(body);
    assert.equal(headers['x-sequence'], '0');
    assert.ok(brightest(card, (x, y) => x < 8 && y < 8) < 40, 'that is no card');
    break;
  }
  assert.equal(await metric(web, 'noaa_visualizer_frames_encoded_total'), 0);
});

test('unmarked frames are shown where ALLOW_UNMARKED_FRAMES says that they are expected', async () => {
  const { visualizer, web } = await chainEnvironment({ ALLOW_UNMARKED_FRAMES: 1 });
  const publisher = new Publisher();
  await publisher.bind(`tcp://127.0.0.1:${visualizer.REDACTOR_PORT}`);
  await using _ = startService('visualizer', visualizer);
  const message = new FrameLayout('i420', 64, 48).allocate();
  const answer = await until(async () => {
    await publisher.send(message);
    const response = await fetch(`${web}/snapshot.jpg`).catch(() => undefined);
    await response?.body?.cancel();
    return response?.status === 200;
  }, 'a snapshot');
  assert.ok(answer);
  publisher.close();
});

test('a viewer cannot reach the unredacted picture at any path', async () => {
  await using folder = await temporaryFolder();
  const clip = join(folder.path, 'clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10:duration=1', clip);
  await using chain = await startChain({ DATA_FILE: clip });
  for (const path of [
    '/raw',
    '/stream/raw',
    '/../playback',
    '/data/',
    '/%2e%2e/%2e%2e/data/README.md',
    '/main.ts',
    '/..%2fmain.ts',
  ]) {
    const response = await open(chain.web + path);
    response.resume();
    assert.ok([400, 403, 404].includes(response.statusCode ?? 0), `${path}: ${response.statusCode}`);
  }
});

/** A subscription takes a moment to arrive, so the message is sent until it does. */
async function sendUntilReceived(
  publisher: Publisher,
  message: Buffer,
  subscriber: Subscriber,
): Promise<Buffer> {
  let received: Buffer | undefined;
  const receiving = subscriber.receive().then(([first]) => {
    received = first as Buffer;
  });
  await until(async () => {
    await publisher.send(Buffer.from(message));
    return received;
  }, 'the frame to come through');
  await receiving;
  return received as unknown as Buffer;
}
