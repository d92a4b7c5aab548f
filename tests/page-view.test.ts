/** A closer look at the picture, and what can be taken away from the page, in real browsers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Page } from 'puppeteer-core';
import { shows, type Tab } from './support/browsers.ts';
import { temporaryFolder } from './support/clips.ts';
import {
  anotherVisualizer,
  type Chain,
  history,
  historyOf,
  inBrowsers,
  standStill,
} from './support/in-browsers.ts';
import { decodeJpeg } from './support/jpeg.ts';
import { meanDifference } from './support/pixels.ts';
import { startChain } from './support/services.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const FRAMES = 6;

inBrowsers({ seconds: FRAMES / 6 }, {}, bench => {
  let folder: string;
  /** The same clip with times: its first frame is of 18:00:31, and they are five minutes apart. */
  let timed: Chain;

  before(async () => {
    folder = bench.stack.use(await temporaryFolder()).path;
    const times = { CLIP_START: '2026-03-14T18:00:31Z', CLIP_STEP: 300 };
    timed = bench.stack.use(await startChain({ DATA_FILE: bench.clip, REDACT_WIDTH: 16, ...times }));
    for (const { web } of [bench.chain, timed]) await historyOf(web, FRAMES);
  });

  test('the wheel zooms at the pointer, a drag pans, and both stay from frame to frame', async () => {
    await using tab = await bench.open();
    const { page } = tab;
    await standStill(tab, FRAMES);
    const box = (await (await page.$('#frame'))!.boundingBox())!;
    // Whole pixels: Firefox rounds the place of a wheel event.
    const [x, y] = [Math.round(box.x + box.width * 0.7), Math.round(box.y + box.height * 0.4)];
    const pointed = async (dx = 0, dy = 0) => {
      await page.mouse.move(x + dx, y + dy);
      await shows(tab, '#pointer', /^x \d+ {2}y \d+ {2}grey \d+$/);
      const [, column, row] = /x (\d+) {2}y (\d+)/.exec(await tab.text('#pointer'))!;
      return [Number(column), Number(row)] as const;
    };
    const before = await pointed();
    assert.ok(Math.abs(before[0] - 480 * 0.7) <= 1 && Math.abs(before[1] - 272 * 0.4) <= 1, `${before}`);
    for (let i = 0; i < 4; i++) await page.mouse.wheel({ deltaY: -240 });
    await until(async () => parseFloat(await tab.text('#zoom')) > 300, 'the zoom');
    const zoomed = await pointed();
    assert.ok(Math.abs(zoomed[0] - before[0]) <= 1 && Math.abs(zoomed[1] - before[1]) <= 1, `${zoomed}`);
    await page.mouse.down();
    await page.mouse.move(x - 60, y + 30, { steps: 3 });
    await page.mouse.up();
    const moved = await pointed(-60, 30);
    assert.ok(Math.abs(moved[0] - before[0]) <= 1 && Math.abs(moved[1] - before[1]) <= 1, `${moved}`);
    const transform = () => page.$eval('#frame', frame => frame.style.transform);
    const kept = await transform();
    await tab.act('Step back');
    await until(async () => (await tab.text('#loop-place')) !== '', 'a step');
    assert.equal(await transform(), kept);
    assert.deepEqual(tab.errors, []);
  });

  test('every action on the view has a key', async () => {
    await using tab = await bench.open();
    const { page } = tab;
    await standStill(tab, FRAMES);
    const transform = () => page.$eval('#frame', frame => frame.style.transform);
    await tab.act('Zoom in');
    await shows(tab, '#zoom', /^125 %$/);
    await tab.act('Zoom in');
    await tab.act('Zoom out');
    await shows(tab, '#zoom', /^125 %$/);
    for (const way of ['Pan right', 'Pan down', 'Pan left', 'Pan up']) {
      const before = await transform();
      await tab.act(way);
      await until(async () => (await transform()) !== before, way);
    }
    await tab.act('1:1 pixels');
    const width = (await page.evaluate(
      'document.querySelector("#picture").getBoundingClientRect().width * devicePixelRatio',
    )) as number;
    assert.ok(Math.abs(width - 480) < 1, `${width} pixels of the screen for 480 of the picture`);
    await tab.act('Whole picture');
    assert.equal(await transform(), '');
    const filter = () => page.evaluate('document.querySelector("#picture").style.filter') as Promise<string>;
    await tab.act('Colour table');
    assert.match(await filter(), /table-1/);
    await tab.act('Colour table');
    assert.match(await filter(), /table-2/);
    await tab.act('Colour table');
    await tab.act('Invert');
    assert.equal(await filter(), 'invert(1)');
    await tab.act('Invert');
    assert.equal(await filter(), '');
    await tab.act('First frame');
    await shows(tab, '#loop-place', /^1 /);
    const first = await tab.seq();
    await tab.act('Last frame');
    await shows(tab, '#loop-place', new RegExp(`^${FRAMES} `));
    await until(async () => (await tab.seq()) !== first, 'the last frame');
    await page.keyboard.down('b');
    await until(async () => (await tab.seq()) === first, 'the first frame while the key is held');
    await page.keyboard.up('b');
    await until(async () => (await tab.seq()) !== first, 'the last frame again');
    assert.deepEqual(tab.errors, []);
  });

  test('a still is the server’s JPEG, and as PNG the same picture with its time', async () => {
    await using tab = await bench.open();
    await standStill(tab, FRAMES);
    const shown = await tab.seq();
    const frame =
      (await history(bench.chain.web)).find(({ seq }) => seq === shown) ??
      assert.fail('a frame of the history');
    await tab.act('Save a still');
    await tab.act('Save as PNG with its time');
    await until(async () => (await tab.saved()).length === 2, 'two files');
    const [jpeg, png] = (await tab.saved()) as [
      { name: string; bytes: Buffer },
      { name: string; bytes: Buffer },
    ];
    assert.equal(jpeg.name, `noaa_frame-${frame.seq}.jpg`);
    assert.equal(png.name, `noaa_frame-${frame.seq}.png`);
    const original = Buffer.from(
      await (await fetch(`${bench.chain.web}/loop/${frame.id}.jpg`)).arrayBuffer(),
    );
    assert.ok(jpeg.bytes.equals(original));
    const [a, b] = [await decodeJpeg(original), await decodeJpeg(png.bytes)];
    assert.ok(meanDifference(a, b, (_, y) => y < 230) < 2, 'the picture is the same');
    assert.ok(meanDifference(a, b, (x, y) => x < 60 && y > 245) > 20, 'its time is in the corner');
  });

  test('the loop is exported with the loop’s own speed, dwell and direction', async () => {
    await using tab = await bench.open();
    await standStill(tab, FRAMES);
    await tab.act('Rock');
    await tab.act('Faster');
    await tab.act('Longer dwell on the last frame');
    await tab.act('Export the loop');
    const [gif] = await until(async () => {
      const files = await tab.saved();
      return files.length > 0 ? files : undefined;
    }, 'the file');
    assert.match(gif!.name, /^noaa_frame-\d+\.gif$/);
    const path = join(folder, 'loop.gif');
    await writeFile(path, gif!.bytes);
    const show = ['-show_entries', 'packet=duration_time:stream=width,height', '-of', 'csv=p=0'];
    const { stdout } = await run('ffprobe', ['-loglevel', 'error', ...show, path]);
    const lines = stdout.trim().split('\n');
    assert.equal(lines.pop(), '480,272');
    const holds = lines.map(line => parseFloat(line) * 1000);
    const frame = 250 / 1.5;
    const wanted = [700, frame, frame, frame, frame, 2000, frame, frame, frame, frame];
    assert.equal(holds.length, wanted.length);
    for (const [i, ms] of wanted.entries()) assert.ok(Math.abs(holds[i]! - ms) <= 10, `${holds}`);
    assert.ok(
      Math.abs(holds.reduce((a, b) => a + b) - wanted.reduce((a, b) => a + b)) <= 10,
      'over the round',
    );
    assert.deepEqual(tab.errors, []);
  });

  test('a link opens the same view: frame, zoom, speed, dwell, direction and look', async () => {
    await using tab = await bench.open();
    const { page } = tab;
    await standStill(tab, FRAMES);
    for (const action of [
      'First frame',
      'Step forward',
      'Slower',
      'Longer dwell on the first frame',
      'Invert',
    ]) {
      await tab.act(action);
    }
    await shows(tab, '#loop-place', /^2 /);
    for (let i = 0; i < 3; i++) await tab.act('Zoom in');
    await tab.act('Pan right');
    await tab.act('Copy the link');
    await shows(tab, '#note', /link/);
    const facts = ({ page: other }: Tab) =>
      other.evaluate(`[document.documentElement.dataset.drawnSeq,
        document.querySelector('#picture').style.filter, document.documentElement.dataset.mode,
        ...['#loop-place', '#speed', '#first-dwell', '#last-dwell', '#frame-count'].map(id => document.querySelector(id).textContent)]`);
    const before = await facts(tab);
    await using other = await bench.open({ web: page.url() });
    await other.becomes('loop');
    await shows(other, '#loop-place', /^2 \/ 6$/);
    await until(async () => (await other.seq()) === (await tab.seq()), 'the same frame');
    assert.deepEqual(await facts(other), before);
    const [a, b] = await Promise.all([tab, other].map(({ page: each }) => corners(each)));
    for (const [i, value] of a!.entries()) assert.ok(Math.abs(value - b![i]!) < 0.1, `${a} is not ${b}`);
    assert.deepEqual(other.errors, []);
  });

  test('the valid time of a scan is on the page, on its badge and in the name of a still, all to the second', async () => {
    await using tab = await bench.open({ web: timed.web });
    await tab.becomes('live');
    await shows(tab, '#valid', /^2026-03-14 18:\d\d:31 UTC$/);
    const overlapping = await tab.page.evaluate(`[...document.querySelectorAll('#readouts dd')]
      .filter(dd => dd.scrollWidth > dd.parentElement.clientWidth).map(dd => dd.textContent)`);
    assert.deepEqual(overlapping, [], 'figures that run into the next');
    await standStill(tab, FRAMES);
    const newest = (await history(timed.web)).at(-1)!.seq;
    await until(async () => (await tab.seq()) === newest, 'the last frame of the loop');
    for (let step = 0; step < FRAMES; step++) {
      const seq = await tab.seq();
      const frame = (await history(timed.web)).find(each => each.seq === seq) ?? assert.fail('a frame');
      const time = new Date(frame.validAt!).toISOString();
      const words = `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
      assert.equal(await tab.text('#badge'), `Loop · ${words} · not live`);
      assert.equal(await tab.text('#valid'), words);
      await tab.act('Save a still');
      const [file] = await until(async () => {
        const files = await tab.saved();
        return files.length > step ? files.slice(-1) : undefined;
      }, 'the file');
      assert.equal(file!.name, `noaa_${time.replaceAll(/[-:]/g, '').replace('.', '-')}_frame-${seq}.jpg`);
      await tab.act('Step forward');
      await until(async () => (await tab.seq()) !== seq, 'the next frame');
    }
    assert.deepEqual(tab.errors, []);
  });

  test('where the place of the picture is known, the page shows latitude, longitude, a graticule and distances', async () => {
    await using another = await anotherVisualizer(bench.chain, { CLIP_SECTOR: 'goes-east-conus' });
    await using tab = await bench.open({ web: another.web });
    const { page } = tab;
    await tab.becomes('live');
    const overlay = () => page.evaluate('!document.querySelector("#overlay").hidden') as Promise<boolean>;
    await until(overlay, 'the graticule');
    const drawn = await page.evaluate(`(() => {
      const { width, height } = document.querySelector('#overlay');
      const { data } = document.querySelector('#overlay').getContext('2d').getImageData(0, 0, width, height);
      return data.filter((alpha, i) => i % 4 === 3 && alpha > 0).length;
    })()`);
    assert.ok((drawn as number) > 2000, `${drawn} pixels of lines`);
    await tab.act('Map overlay');
    await until(async () => !(await overlay()), 'its end');
    const box = (await (await page.$('#frame'))!.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await shows(tab, '#pointer', / {2}30\.\d\d° N {1}87\.\d\d° W$/);
    await tab.act('Measure a distance');
    await shows(tab, '#note', /^From 30\./);
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2);
    await shows(tab, '#pointer', /° W$/);
    await tab.act('Measure a distance');
    await shows(tab, '#note', /^5\d\d km$/);
    assert.deepEqual(tab.errors, []);
  });

  test('full screen by key, and back', async () => {
    await using tab = await bench.open();
    await tab.becomes('live');
    await tab.act('Full screen');
    await until(() => tab.page.evaluate('document.fullscreenElement !== null'), 'full screen');
    await tab.act('Full screen');
    await until(() => tab.page.evaluate('document.fullscreenElement === null'), 'its end');
  });
});

/** Where the picture lies in the window. */
async function corners(page: Page): Promise<number[]> {
  const { x, y, width, height } = (await (await page.$('#picture'))!.boundingBox())!;
  return [x, y, x + width, y + height];
}
