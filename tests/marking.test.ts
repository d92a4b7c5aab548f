/** What must be written on the picture is there wherever it is shown or leaves. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { LoopList, Status } from '../apps/visualizer/messages.ts';
import { isBand, MARKING } from './support/band.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { type Decoded, decodeJpeg } from './support/jpeg.ts';
import { freePort } from './support/ports.ts';
import { startChain, startService } from './support/services.ts';
import { open, parts } from './support/streams.ts';
import { until } from './support/until.ts';

const { text: TEXT, color: COLOR } = MARKING;
const [WIDTH, HEIGHT] = [480, 272];

const stack = new AsyncDisposableStack();
let chain: Awaited<ReturnType<typeof startChain>>;
before(async () => {
  const folder = stack.use(await temporaryFolder());
  const clip = await makeClip(join(folder.path, 'clip.mp4'), {
    size: `${WIDTH}x${HEIGHT}`,
    fps: 6,
    seconds: 1,
  });
  chain = stack.use(
    await startChain({ DATA_FILE: clip, REDACT_WIDTH: 16, MARKING: TEXT, MARKING_COLOR: COLOR }),
  );
});
after(() => stack.disposeAsync());

/** A picture that has grown by its bands, which is otherwise as it was. */
function assertBanded(picture: Decoded, bare?: Decoded): void {
  const band = (picture.height - HEIGHT) / 2;
  assert.equal(picture.width, WIDTH);
  assert.ok(band >= 10 && band <= 40 && Number.isInteger(band), `${picture.height} rows`);
  assert.ok(isBand(picture, 0, band), 'no band above');
  assert.ok(isBand(picture, band + HEIGHT, picture.height), 'no band below');
  if (!bare) return;
  const shift = 4 * WIDTH * band;
  const changes = Array.from(bare.rgba, (value, at) => Math.abs(value - picture.rgba[at + shift]!));
  const worst = changes.reduce((most, each) => Math.max(most, each));
  const mean = changes.reduce((sum, each) => sum + each, 0) / changes.length;
  assert.ok(worst <= 24 && mean < 1, `the picture has changed by ${mean}, and a pixel by ${worst}`);
}

const decoded = async (path: string) => {
  const answer = await fetch(`${chain.web}${path}`);
  return { answer, picture: await decodeJpeg(Buffer.from(await answer.arrayBuffer())) };
};

test('a still has the marking above and below it, and its pixels otherwise; so have the pictures of the loop', async () => {
  const { picture, answer } = await decoded('/snapshot.jpg');
  assertBanded(picture);
  assert.equal(answer.headers.get('x-marking'), TEXT);
  const { frames } = (await (await fetch(`${chain.web}/loop`)).json()) as LoopList;
  const path = `/loop/${frames[0]!.id}.jpg`;
  const bare = await decoded(`${path}?marking=0`);
  assert.deepEqual([bare.picture.width, bare.picture.height], [WIDTH, HEIGHT]);
  assertBanded((await decoded(path)).picture, bare.picture);
});

test('every answer names the marking in a header: pages, errors, refusals and each part of a stream', async () => {
  for (const path of [
    '/',
    '/index.html',
    '/script/style.css',
    '/status',
    '/loop',
    '/livez',
    '/metrics',
    '/none',
    '/stream?fps=x',
  ])
    assert.equal((await fetch(`${chain.web}${path}`)).headers.get('x-marking'), TEXT, path);
  const stranger = connect(Number(new URL(chain.web).port), '127.0.0.1');
  stranger.write('GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n');
  assert.ok((await text(stranger)).includes(`\r\nX-Marking: ${TEXT}\r\n`));
  const events = await open(`${chain.web}/stream`);
  assert.equal(events.headers['x-marking'], TEXT);
  events.destroy();
  for await (const { headers } of parts(`${chain.web}/stream.mjpg`)) {
    assert.equal(headers['x-marking'], TEXT.toLowerCase());
    break;
  }
  const status = (await (await fetch(`${chain.web}/status`)).json()) as Status;
  assert.deepEqual(status.marking, { text: TEXT, color: COLOR });
});

test('the page has it before any script runs, as text, in whatever spelling it is asked for', async () => {
  for (const path of ['/', '/index.html', '/%69ndex.html', '/./index.html']) {
    const page = await (await fetch(`${chain.web}${path}`)).text();
    assert.equal(
      page.split('TEST &lt;b&gt;ONLY&lt;/b&gt; &amp; &quot;NOT&quot; SECRET//REL</p>').length,
      3,
      path,
    );
    assert.ok(!page.includes('<b>'));
  }
});

test('a card has it inside its own shape', async () => {
  const port = await freePort();
  await using _ = startService('visualizer', {
    VISUALIZER_PORT: port,
    REDACTOR_PORT: await freePort(),
    MARKING: 'TEST TEST TEST',
    MARKING_COLOR: COLOR,
  });
  const web = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${web}/livez`)).ok, 'the service');
  const answer = await fetch(`${web}/snapshot.jpg`);
  assert.equal(answer.status, 503);
  const card = await decodeJpeg(Buffer.from(await answer.arrayBuffer()));
  assert.deepEqual([card.width, card.height], [1280, 720]);
  assert.ok(isBand(card, 0, 40) && isBand(card, 680, 720));
});

test('where a marking is required and none is set there is no picture, and the reason everywhere', async () => {
  const visualizer = { ...chain.environment.visualizer, VISUALIZER_PORT: await freePort() };
  await using _ = startService('visualizer', { ...visualizer, MARKING: '', MARKING_REQUIRED: 1 });
  const web = `http://127.0.0.1:${visualizer.VISUALIZER_PORT}`;
  const status = async () => (await (await fetch(`${web}/status`)).json()) as Status;
  await until(async () => ((await status()).refused['no-marking'] ?? 0) > 3, 'frames that it does not show');
  const { state, message, marking } = await status();
  assert.deepEqual([state, marking], ['refusing', null]);
  assert.match(message, /^There is no picture: .*MARKING_REQUIRED.* Set MARKING /);
  const ready = await fetch(`${web}/readyz`);
  assert.deepEqual([ready.status, await ready.text()], [503, `${message}\n`]);
  assert.equal((await fetch(`${web}/livez`)).status, 200);
  assert.equal((await fetch(`${web}/snapshot.jpg`)).status, 503);
  assert.deepEqual(((await (await fetch(`${web}/loop`)).json()) as LoopList).frames, []);
  for await (const { headers } of parts(`${web}/stream.mjpg`)) {
    assert.equal(headers['x-sequence'], '0', 'a frame and not the card');
    break;
  }
});
