/** The page in a real browser, fed by the real services. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { launchBrowser, openPage, type WatchedPage } from './support/browser.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { brightest, type Decoded, decodeJpeg } from './support/jpeg.ts';
import { area, type Colour, count, meanDifference, type Where } from './support/pixels.ts';
import { freePort, freePorts } from './support/ports.ts';
import { startChain, startService } from './support/services.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../', import.meta.url));

const WIDTH = 480;
const HEIGHT = 272;
const FPS = 30;
/** Whole blocks of the JPEG, so that no ringing of the middle reaches into it. */
const BORDER = 48;
/** The promise: within two seconds the page says that its picture is not live. */
const PROMISE_MS = 2000;

const isBorder: Where = (x, y) => x < BORDER || y < BORDER || x >= WIDTH - BORDER || y >= HEIGHT - BORDER;
/** Far enough inside that the ringing of the redaction's edge is left out. */
const isMiddle: Where = (x, y) =>
  x >= BORDER + 16 && y >= BORDER + 16 && x < WIDTH - BORDER - 16 && y < HEIGHT - BORDER - 16;
const isMagenta: Colour = (red, green, blue) => Math.min(red, blue) > 60 && green < 0.6 * Math.min(red, blue);
const isBright: Colour = (red, green, blue) => Math.min(red, green, blue) > 150;

let chain: Awaited<ReturnType<typeof startChain>>;
let browser: Browser;
let clip: string;
const stack = new AsyncDisposableStack();

before(async () => {
  browser = stack.use(await launchBrowser());
  await run(join(root, 'node_modules/.bin/tsc'), ['-b', 'apps/visualizer/page'], { cwd: root });
  const folder = stack.use(await temporaryFolder());
  // Grey all over but for the border, which is magenta: any magenta on the screen has got past the redactor.
  clip = await makeClip(join(folder.path, 'clip.mp4'), {
    size: `${WIDTH}x${HEIGHT}`,
    fps: FPS,
    filters: `hue=s=0,drawbox=color=magenta:t=${BORDER}`,
  });
  chain = stack.use(await startChain({ DATA_FILE: clip, REDACT_WIDTH: BORDER }));
});
after(() => stack.disposeAsync());

test('the picture is drawn, its border black, its middle the clip’s own, and nothing of the border is on the screen', async () => {
  await using viewer = await openPage(browser, chain.web);
  await viewer.becomes('live');
  const shown = await viewer.picture();
  assert.deepEqual([shown.width, shown.height], [WIDTH, HEIGHT]);

  const [, minutes, seconds] = /^(\d\d):(\d\d\.\d{3})$/.exec(shown.position) ?? [];
  const frame = Math.round((Number(minutes) * 60 + Number(seconds)) * FPS);
  const source = await clipFrame(frame);
  assert.ok(count(source, isMagenta) > 0.9 * area(source, isBorder), 'the clip itself has a magenta border');

  assert.ok(brightest(shown, isBorder) <= 8, `the border is black, not up to ${brightest(shown, isBorder)}`);
  assert.equal(count(shown, isMagenta), 0);
  const difference = meanDifference(shown, source, isMiddle);
  assert.ok(difference < 4, `the middle is that of frame ${frame} of the clip: off by ${difference} of 255`);

  const glass = await viewer.glass();
  assert.equal(count(glass, isMagenta), 0, 'nowhere in the window');
  assert.ok(count(glass, isBright) > 10_000, 'the picture is to be seen in the window');
  assert.deepEqual(viewer.errors, []);
});

test('the numbers are those of the picture', async () => {
  await using viewer = await openPage(browser, chain.web);
  const { page } = viewer;
  await viewer.becomes('live');
  await until(() => page.evaluate('parseFloat(document.querySelector("#fps").textContent) > 0'), 'a rate');
  const rate = parseFloat((await page.textContent('#fps')) ?? '');
  assert.ok(rate <= FPS * 1.2, `${rate} fps of a clip of ${FPS}`);
  assert.match((await page.textContent('#latency')) ?? '', /^\d+ ms$/);
  await until(async () => (await page.textContent('#viewers')) === '1', 'the page to count itself');
  assert.equal(
    await page.evaluate(
      'document.querySelector("#frame-number").textContent === document.documentElement.dataset.drawnSeq',
    ),
    true,
  );
  const latency = Number(await page.getAttribute('html', 'data-draw-latency-ms'));
  assert.ok(latency > 0 && latency < 5000, `drawn ${latency} ms after its publication`);
  const offByMs = await page.evaluate(
    'parseInt(document.querySelector("#latency").textContent) - document.documentElement.dataset.drawLatencyMs',
  );
  assert.ok(Math.abs(offByMs as number) < 500, `one machine has one clock, so they agree: ${offByMs} ms`);
});

test('a stall is on the screen within two seconds, and goes when frames come again', async () => {
  await using viewer = await openPage(browser, chain.web);
  const { page } = viewer;
  await viewer.becomes('live');
  const boxes = () => Promise.all(['#frame', '#bar', '#pill'].map(id => page.locator(id).boundingBox()));
  const whileLive = await boxes();

  chain.services.playback.process.kill('SIGSTOP');
  try {
    await viewer.becomes('stalled');
    await assertToldInTime(viewer);
    assert.equal(await page.isVisible('#picture'), false, 'the last picture is gone from sight');
    assert.ok(count(await viewer.glass(), isBright) < 5000, 'and off the glass');
    assert.equal(await page.isVisible('#card'), true);
    assert.match((await page.textContent('#card-message')) ?? '', /sends no frames/);
    assert.match((await page.textContent('#voice')) ?? '', /^Stalled\./);
    assert.match(await page.title(), /^Stalled/);
    assert.equal(await page.textContent('#fps'), '–', 'no number passes for a present one');
    assert.deepEqual(await boxes(), whileLive, 'nothing has moved');
  } finally {
    chain.services.playback.process.kill('SIGCONT');
  }
  await viewer.becomes('live');
  await viewer.draws();
  assert.equal(await page.isVisible('#picture'), true);
  assert.deepEqual(viewer.errors, []);
});

test('a visualizer that hangs is noticed within two seconds, without a word from it', async () => {
  const { visualizer, web } = await anotherVisualizer();
  await using _ = visualizer;
  await using viewer = await openPage(browser, web);
  await viewer.becomes('live');
  visualizer.process.kill('SIGSTOP');
  await viewer.becomes('reconnecting');
  await assertToldInTime(viewer);
  assert.equal(await viewer.page.isVisible('#picture'), false);
  visualizer.process.kill('SIGCONT');
  await viewer.becomes('live');
  await viewer.draws();
});

test('the details tell nothing of a server that is not heard', async () => {
  const { visualizer, web } = await anotherVisualizer();
  await using _ = visualizer;
  await using viewer = await openPage(browser, web);
  const { page } = viewer;
  const details = async () => (await page.textContent('#details-list')) ?? '';
  const silence =
    /^Source–Picture–Rate in, out–Server latency–Dropped–Refused–Viewers–Server–Not drawn here\d/;
  await viewer.becomes('live');
  await page.keyboard.press('?');
  await until(async () => /480 × 272/.test(await details()), 'the details to be filled in');

  visualizer.process.kill('SIGSTOP');
  await viewer.becomes('reconnecting');
  await until(async () => silence.test(await details()), 'a dash for all that was known');
  visualizer.process.kill('SIGCONT');
  await until(async () => /480 × 272/.test(await details()), 'the details to be filled in again');
  await visualizer.stop();
  await until(async () => silence.test(await details()), 'a dash for all that was known');
});

test('the picture comes back by itself after the visualizer is restarted', async () => {
  const { visualizer, web, environment } = await anotherVisualizer();
  await using viewer = await openPage(browser, web);
  await viewer.becomes('live');
  await visualizer.stop();
  await viewer.becomes('reconnecting');
  await assertToldInTime(viewer);
  const { seq: before } = await viewer.picture();

  await using again = startService('visualizer', environment);
  await viewer.becomes('live');
  await viewer.draws();
  const { seq: now } = await viewer.picture();
  assert.ok(now > before, `a newer picture: ${now} after ${before}`);
  assert.equal(again.process.exitCode, null);
  // The browser itself reports each request that found nobody; nothing else may have gone wrong.
  const others = viewer.errors.filter(error => !/net::ERR_/.test(error));
  assert.deepEqual(others, []);
});

test('without frames the page waits, and says for what', async () => {
  const [port, nobody] = (await freePorts(2)) as [number, number];
  await using _ = startedVisualizer({ VISUALIZER_PORT: port, REDACTOR_PORT: nobody });
  await using viewer = await openWhenServed(port);
  await viewer.becomes('waiting');
  assert.match((await viewer.page.textContent('#card-message')) ?? '', /^Waiting for the redactor at /);
  assert.equal(await viewer.page.isVisible('#picture'), false);
});

test('frames without the redacted mark are never drawn, and the page says why', async () => {
  const port = await freePort();
  const { PLAYBACK_PORT } = chain.environment.playback;
  await using _ = startedVisualizer({ VISUALIZER_PORT: port, REDACTOR_PORT: PLAYBACK_PORT });
  await using viewer = await openWhenServed(port);
  await viewer.becomes('refusing');
  assert.match((await viewer.page.textContent('#card-message')) ?? '', /not marked as redacted/);
  assert.equal(
    (await viewer.timeline()).find(({ drew }) => drew),
    undefined,
  );
  assert.equal(count(await viewer.glass(), isMagenta), 0);
});

test('one viewer too many is told so, and let in as soon as there is room', async () => {
  const { visualizer, web } = await anotherVisualizer({ MAX_VIEWERS: 1 });
  await using _ = visualizer;
  const first = await openPage(browser, web);
  await first.becomes('live');
  await using second = await openPage(browser, web);
  await second.becomes('full');
  assert.match((await second.page.textContent('#card-message')) ?? '', /^The only place is taken/);
  await first[Symbol.asyncDispose]();
  await second.becomes('live');
});

test('space holds the picture, marks it as held, and goes on', async () => {
  await using viewer = await openPage(browser, chain.web);
  const { page } = viewer;
  await viewer.becomes('live');
  await page.keyboard.press('Space');
  await viewer.becomes('paused');
  const held = await viewer.picture();
  assert.match((await page.textContent('#badge')) ?? '', /^Paused at \d\d:\d\d:\d\d UTC/);
  assert.equal(await page.isVisible('#badge'), true);
  assert.equal(await page.textContent('#state'), 'Paused');

  // The chain goes on meanwhile, by as many frames as would be seen.
  const { sequence } = (await status()).source;
  await until(async () => (await status()).source.sequence > sequence + FPS, 'a second of frames');
  const still = await viewer.picture();
  assert.equal(still.seq, held.seq);
  assert.deepEqual(still.rgba, held.rgba);
  assert.equal((await status()).viewers.sse, 0, 'a paused page costs the server nothing');

  await page.keyboard.press('Space');
  await viewer.becomes('live');
  assert.ok((await viewer.picture()).seq > held.seq);
  assert.deepEqual(viewer.errors, []);
});

test('a picture that comes late is marked as late, and not before its time', async () => {
  await using viewer = await openPage(browser, chain.web);
  const { page } = viewer;
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  const throttle = async (bytesPerSecond: number) => {
    const both = { downloadThroughput: bytesPerSecond, uploadThroughput: bytesPerSecond };
    await network.send('Network.emulateNetworkConditions', { offline: false, latency: 5, ...both });
    await page.reload();
  };
  await throttle(60_000);
  await viewer.becomes('delayed');
  assert.match((await page.textContent('#badge')) ?? '', /^This connection runs \d+\.\d s behind\.$/);
  assert.equal(await page.isVisible('#badge'), true);
  await throttle(-1);
  await viewer.becomes('live');
  assert.equal(await page.isVisible('#badge'), false);
});

test('a viewer that comes back in the middle of a slow clip’s interval sees no delay', async () => {
  await using slow = await startChain({ DATA_FILE: clip, REDACT_WIDTH: BORDER, PLAYBACK_FPS: 0.25 });
  const inTheMiddle = () =>
    until(async () => {
      const published = Number((await fetch(`${slow.web}/snapshot.jpg`)).headers.get('x-timestamp')) * 1000;
      return (await status(slow.web)).state === 'live' && Date.now() - published > 2500;
    }, 'the middle of an interval');
  await inTheMiddle();
  assert.equal((await fetch(`${slow.web}/snapshot.jpg`)).status, 200);
  await using viewer = await openPage(browser, slow.web);
  await viewer.becomes('live');
  await viewer.page.keyboard.press('Space');
  await viewer.becomes('paused');
  await inTheMiddle();
  await viewer.page.keyboard.press('Space');
  await viewer.becomes('live');
  const states = (await viewer.timeline()).map(({ state }) => state);
  assert.ok(!states.includes('delayed'), `${[...new Set(states)]}`);
  const { repeats } = (await status(slow.web)).source;
  await until(async () => (await status(slow.web)).source.repeats >= repeats + 4, 'repeats of a picture');
  const later = (await viewer.timeline()).map(({ state }) => state);
  assert.ok(!later.includes('stalled'), 'a repeat is no newer picture that fails to come');
  const { p99 } = (await status(slow.web)).latencyMs;
  assert.ok(p99 === null || p99 < 1000, 'nor does the server take the wait for somebody to come as one');
});

test('S saves the very JPEG that is shown, named by its time and frame', async () => {
  await using viewer = await openPage(browser, chain.web);
  const { page } = viewer;
  await viewer.becomes('live');
  await page.keyboard.press('Space');
  await viewer.becomes('paused');
  const shown = await viewer.picture();
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('s')]);
  assert.match(
    download.suggestedFilename(),
    new RegExp(`^noaa_\\d{8}T\\d{6}-\\d{3}Z_frame-${shown.seq}\\.jpg$`),
  );
  const jpeg = await readFile(await download.path());
  assert.deepEqual([...jpeg.subarray(0, 3)], [0xff, 0xd8, 0xff]);
  const saved = await decodeJpeg(jpeg);
  assert.deepEqual([saved.width, saved.height], [WIDTH, HEIGHT]);
  assert.ok(meanDifference(saved, shown, () => true) < 1, 'it is what the page shows');
});

test('everything is in reach of the keyboard, and the focus is to be seen', async () => {
  await using viewer = await openPage(browser, chain.web);
  const { page } = viewer;
  await viewer.becomes('live');
  const focused: unknown[] = [];
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press('Tab');
    focused.push(await page.evaluate('document.activeElement.id'));
    assert.equal(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'solid');
  }
  assert.deepEqual(focused, ['pause', 'save', 'full-screen', 'more']);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#details:popover-open');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#details', { state: 'hidden' });
  await page.keyboard.press('?');
  await page.waitForSelector('#details:popover-open');
  await until(
    () => page.evaluate('document.querySelector("#details-list").textContent.includes("480 × 272")'),
    'the details to be filled in',
  );
  await page.keyboard.press('?');
  await page.waitForSelector('#details', { state: 'hidden' });

  await page.keyboard.press('f');
  await until(() => page.evaluate('document.fullscreenElement !== null'), 'full screen');
  await page.keyboard.press('f');
  await until(() => page.evaluate('document.fullscreenElement === null'), 'the end of full screen');
});

test('a hidden tab closes its stream, and opens it again when it is seen', async () => {
  // Tabs that Playwright drives count as visible all the time, so these two are opened behind its back.
  const control = await browser.newBrowserCDPSession();
  const { browserContextId } = await control.send('Target.createBrowserContext');
  try {
    const viewers = async (count: number) => (await status()).viewers.sse === count;
    const { targetId } = await control.send('Target.createTarget', { url: chain.web, browserContextId });
    await until(() => viewers(1), 'the page to watch');
    await control.send('Target.createTarget', { url: 'about:blank', browserContextId });
    await until(() => viewers(0), 'the hidden page to let go');
    await control.send('Target.activateTarget', { targetId });
    await until(() => viewers(1), 'the page to watch again');
  } finally {
    await control.send('Target.disposeBrowserContext', { browserContextId });
  }
});

for (const [device, width, height] of [
  ['a phone', 360, 640],
  ['a phone on its side', 640, 360],
  ['a tablet', 820, 1180],
  ['a desktop', 1440, 900],
] as const) {
  test(`the whole page fits the window of ${device}, the picture as large as it can be`, async () => {
    const touch = width < 1000;
    const viewport = { width, height };
    await using viewer = await openPage(browser, chain.web, { viewport, hasTouch: touch, isMobile: touch });
    const { page } = viewer;
    await viewer.becomes('live');
    const size = await page.evaluate(
      '(({ scrollWidth, scrollHeight }) => [scrollWidth, scrollHeight])(document.documentElement)',
    );
    assert.deepEqual(size, [width, height], 'nothing to scroll');

    const box = async (id: string) => (await page.locator(id).boundingBox())!;
    const [stage, frame] = [await box('#stage'), await box('#frame')];
    assert.ok(Math.abs(frame.width / frame.height - WIDTH / HEIGHT) < 0.02, 'never stretched');
    const fills = Math.min(stage.width - frame.width, stage.height - frame.height);
    assert.ok(Math.abs(fills) < 1, 'it touches two sides of its place');
    assert.ok(frame.width <= width && frame.x >= 0 && frame.y >= 0, 'never cropped');
    for (const id of [
      '#pause',
      '#save',
      '#full-screen',
      '#more',
      '#state',
      '#fps',
      '#latency',
      '#position',
    ]) {
      const { x, y, width: w, height: h } = await box(id);
      assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height, `${id} is within the window`);
      if (touch && id !== '#state' && (await page.locator(id).getAttribute('type'))) {
        assert.ok(w >= 40 && h >= 44, `${id} is large enough for a finger: ${w}×${h}`);
      }
    }
    assert.deepEqual(viewer.errors, []);
  });
}

/** That no more time went by between the last picture and the first word of its not being live than is promised. */
async function assertToldInTime(viewer: WatchedPage): Promise<void> {
  const timeline = await viewer.timeline();
  const told = timeline.findLastIndex(
    ({ state }, i) => state !== 'live' && timeline[i - 1]?.state === 'live',
  );
  const drawn = timeline.findLastIndex(({ drew }, i) => drew && i < told);
  const ms = timeline[told]!.atMs - timeline[drawn]!.atMs;
  assert.ok(ms <= PROMISE_MS, `told ${Math.round(ms)} ms after the last picture`);
}

function startedVisualizer(more: Record<string, number>) {
  return startService('visualizer', { ...chain.environment.visualizer, ...more });
}

/** One more visualizer on the same redactor, for what would disturb the others' viewers. */
async function anotherVisualizer(more: Record<string, number> = {}) {
  const port = await freePort();
  const environment = { ...chain.environment.visualizer, VISUALIZER_PORT: port, ...more };
  const visualizer = startService('visualizer', environment);
  await visualizer.logged(line => line['state'] === 'live');
  return { visualizer, environment, web: `http://127.0.0.1:${port}` };
}

async function openWhenServed(port: number): Promise<WatchedPage> {
  const web = `http://127.0.0.1:${port}`;
  await until(() => fetch(`${web}/livez`).catch(() => undefined), `an answer at ${web}`);
  return openPage(browser, web);
}

interface Status {
  state: string;
  source: { sequence: number; repeats: number };
  latencyMs: { p99: number | null };
  viewers: { sse: number };
}

async function status(web = chain.web): Promise<Status> {
  return (await (await fetch(`${web}/status`)).json()) as Status;
}

/** A frame of the clip as ffmpeg decodes it. */
async function clipFrame(index: number): Promise<Decoded> {
  const output = ['-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgba', '-'];
  const { stdout } = await run(
    'ffmpeg',
    ['-loglevel', 'error', '-i', clip, '-vf', `select=eq(n\\,${index})`, ...output],
    { encoding: 'buffer', maxBuffer: 1 << 24 },
  );
  return { width: WIDTH, height: HEIGHT, rgba: Uint8ClampedArray.from(stdout) };
}
