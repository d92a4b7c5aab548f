/** A closer look at the picture, and what can be taken away from the page, in real browsers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Page } from 'puppeteer-core';
import { distanceKm, type Place } from '../apps/visualizer/page/view/fixed-grid.ts';
import { sectorOf } from '../apps/visualizer/page/view/sector.ts';
import { shows, type Tab } from './support/browsers.ts';
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

inBrowsers(
  { seconds: FRAMES / 6 },
  {},
  bench => {
    /** The same clip with times: its first frame is of 18:00:31, and they are five minutes apart. */
    let timed: Chain;

    before(async () => {
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

    test('two fingers zoom where they are, and one moves the picture', async () => {
      await using tab = await bench.open({ width: 390, height: 844, touch: true });
      const { page } = tab;
      await standStill(tab, FRAMES);
      const { x, y, width, height } = await tab.box('#picture');
      const [midX, midY] = [Math.round(x + width / 2), Math.round(y + height / 2)];
      const left = await page.touchscreen.touchStart(midX - 40, midY);
      const right = await page.touchscreen.touchStart(midX + 40, midY);
      for (const apart of [60, 80, 100, 120]) {
        await left.move(midX - apart, midY);
        await right.move(midX + apart, midY);
      }
      await left.end();
      await right.end();
      await shows(tab, '#zoom', /^(29\d|30\d|31\d) %$/);
      const [from, ,] = await corners(page);
      const finger = await page.touchscreen.touchStart(midX, midY);
      await finger.move(midX + 15, midY);
      await finger.move(midX + 30, midY);
      await finger.end();
      await until(
        async () => Math.abs((await corners(page))[0]! - from! - 30) < 2,
        'the picture to follow the finger',
      );
      await tab.act('Step back');
      await shows(tab, '#loop-place', new RegExp(`^${FRAMES - 1} /`));
      assert.match(await tab.text('#zoom'), /^(29\d|30\d|31\d) %$/, 'the next frame is seen as large');
      assert.deepEqual(tab.errors, []);
    });

    test('a zoom stays from frame to frame of the live picture', async () => {
      await using tab = await bench.open();
      await tab.becomes('live');
      for (let i = 0; i < 3; i++) await tab.act('Zoom in');
      await tab.act('Pan right');
      const transform = () => tab.page.$eval('#frame', frame => frame.style.transform);
      const before = await transform();
      assert.notEqual(before, '');
      await tab.draws(3);
      assert.equal(await transform(), before);
    });

    test('brightness and contrast by mouse, by touch and by keyboard change what is seen, and not what is saved', async () => {
      await using tab = await bench.open();
      const { page } = tab;
      await standStill(tab, FRAMES);
      const filter = () => page.$eval('#picture', picture => picture.style.filter);
      const becomes = (wanted: RegExp) =>
        until(async () => wanted.test(await filter()), `the filter ${wanted}`);
      await page.click('#view-more');
      await page.waitForSelector('#view-settings:popover-open');
      const { x, y, width, height } = await tab.box('#brightness');
      await page.mouse.move(x + width / 3, y + height / 2);
      await page.mouse.down();
      await page.mouse.move(x + width * 0.8, y + height / 2, { steps: 3 });
      await page.mouse.up();
      await becomes(/^brightness\(2\.\d+\)$/);
      const contrast = await tab.box('#contrast');
      await page.touchscreen.tap(contrast.x + contrast.width * 0.2, contrast.y + contrast.height / 2);
      await becomes(/^brightness\(2\.\d+\) contrast\(0\.[6-9]\d*\)$/);
      const before = await filter();
      await page.focus('#contrast');
      await page.keyboard.press('ArrowRight');
      await until(async () => (await filter()) !== before, 'a step by key');
      await page.keyboard.press('Home');
      await becomes(/contrast\(0\.3\)$/);
      await page.keyboard.press('Escape');

      const frame = (await history(bench.chain.web)).at(-1)!;
      await page.focus('#save');
      await tab.act('Save a still');
      const [file] = await files(tab, 1);
      const original = Buffer.from(
        await (await fetch(`${bench.chain.web}/loop/${frame.id}.jpg`)).arrayBuffer(),
      );
      assert.ok(file!.bytes.equals(original));
    });

    test('the position and the grey value under the pointer are those of the JPEG, also when zoomed', async () => {
      await using tab = await bench.open();
      const { page } = tab;
      await standStill(tab, FRAMES);
      const frame = (await history(bench.chain.web)).at(-1)!;
      const jpeg = await (await fetch(`${bench.chain.web}/loop/${frame.id}.jpg`)).arrayBuffer();
      const { width, height, rgba } = await decodeJpeg(Buffer.from(jpeg));
      const greyAt = (x: number, y: number) => {
        const [red, green, blue] = rgba.subarray(4 * (y * width + x));
        return 0.299 * red! + 0.587 * green! + 0.114 * blue!;
      };
      for (const zoomed of [false, true]) {
        if (zoomed) for (let i = 0; i < 5; i++) await tab.act('Zoom in');
        const box = await tab.box('#picture');
        const stage = await tab.box('#stage');
        for (const [u, v] of [
          [0.2, 0.3],
          [0.55, 0.62],
          [0.8, 0.45],
        ] as const) {
          const [px, py] = [Math.round(stage.x + u * stage.width), Math.round(stage.y + v * stage.height)];
          const wanted = [((px - box.x) / box.width) * width, ((py - box.y) / box.height) * height] as const;
          await page.mouse.move(px, py);
          const [x, y, grey] = await until(async () => {
            const found = /^x (\d+) {2}y (\d+) {2}grey (\d+)$/.exec(await tab.text('#pointer'));
            const numbers = found?.slice(1).map(Number);
            return Math.abs((numbers?.[0] ?? -9) + 0.5 - wanted[0]) <= 1 ? numbers : undefined;
          }, `the pointer to be at ${wanted}`);
          assert.ok(Math.abs(y! + 0.5 - wanted[1]) <= 1, `row ${y}, not ${wanted[1]}`);
          assert.ok(
            Math.abs(grey! - greyAt(x!, y!)) <= 3,
            `grey ${grey} at ${x}, ${y}, not ${greyAt(x!, y!)}`,
          );
        }
      }
    });

    test('before and after of two frames by a held key, and of the frame that was marked', async () => {
      await using tab = await bench.open();
      const { page } = tab;
      await standStill(tab, FRAMES);
      const order = (await history(bench.chain.web)).map(({ seq }) => seq);
      const is = (index: number) =>
        until(async () => (await tab.seq()) === order.at(index), `frame ${index}`);
      await is(-1);
      await page.keyboard.down('b');
      await is(0);
      await page.keyboard.up('b');
      await is(-1);
      await tab.act('Step back');
      await is(-2);
      await tab.act('Make this the frame before');
      await tab.act('Last frame');
      await is(-1);
      await page.click('#view-more');
      const { x, y, width, height } = await tab.box('[data-action="before"]');
      await page.mouse.move(x + width / 2, y + height / 2);
      await page.mouse.down();
      await is(-2);
      await page.mouse.up();
      await is(-1);
      assert.deepEqual(tab.errors, []);
    });

    test('the valid time is shown in UTC, and in the viewer’s own zone on demand', async () => {
      await using tab = await bench.open({ web: timed.web });
      await tab.page.emulateTimezone('Asia/Kolkata');
      await standStill(tab, FRAMES);
      const { validAt } = (await history(timed.web)).at(-1)!;
      const words = (shiftMs: number) =>
        new Date(validAt! + shiftMs).toISOString().slice(0, 19).replace('T', ' ');
      await shows(tab, '#valid', new RegExp(`^${words(0)} UTC$`));
      await tab.act('UTC or local time');
      const local = new RegExp(`${words(5.5 * 3600_000)} (GMT\\+5:30|IST)`);
      await shows(tab, '#valid', local);
      await shows(tab, '#badge', local);
      await tab.act('UTC or local time');
      await shows(tab, '#valid', new RegExp(`^${words(0)} UTC$`));
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
      const path = join(bench.folder, 'loop.gif');
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

    test('the frames of an exported loop have their valid times in the corner, as a still has', async () => {
      await using tab = await bench.open({ web: timed.web });
      await standStill(tab, FRAMES);
      await tab.act('Save as PNG with its time');
      await tab.act('Export the loop');
      const [png, gif] = await files(tab, 2);
      const path = join(bench.folder, 'timed.gif');
      await writeFile(path, gif!.bytes);
      const raw = ['-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'rgba', '-'];
      const { stdout } = await run('ffmpeg', ['-loglevel', 'error', '-i', path, ...raw], {
        encoding: 'buffer',
        maxBuffer: 1 << 26,
      });
      const [width, height] = [480, 272];
      const frames = Array.from({ length: FRAMES }, (_, i) => ({
        ...{ width, height },
        rgba: Uint8ClampedArray.from(stdout.subarray(i * width * height * 4, (i + 1) * width * height * 4)),
      }));
      const still = await decodeJpeg(png!.bytes);
      const corner = (x: number, y: number) => x > 14 && x < 190 && y > 252 && y < 266;
      assert.ok(
        meanDifference(frames.at(-1)!, still, corner) < 6,
        'the last frame has the time of the still',
      );
      for (const [i, frame] of frames.slice(0, -1).entries()) {
        const off = meanDifference(frame, still, corner);
        assert.ok(off > 1 && off < 60, `frame ${i} has a time, and another: ${off}`);
      }
    });

    test('a link opens the same view: frame, zoom, speed, dwell, direction, look and layers', async () => {
      await using tab = await bench.open();
      const { page } = tab;
      await standStill(tab, FRAMES);
      for (const action of [
        'First frame',
        'Step forward',
        'Slower',
        'Longer dwell on the first frame',
        'Invert',
        'Map overlay',
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
        document.querySelector('[data-action=overlay]').ariaPressed,
        ...['#loop-place', '#speed', '#first-dwell', '#last-dwell', '#frame-count'].map(id => document.querySelector(id).textContent)]`);
      const before = (await facts(tab)) as string[];
      assert.equal(before[3], 'false');
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
      const sector = sectorOf('goes-east-conus')!;
      const [from, to] = [0.5, 0.6].map(u => sector.placeOf(u, 0.5)!) as [Place, Place];
      const read = / {2}(\S+)° N (\S+)° W$/
        .exec(await tab.text('#pointer'))!
        .slice(1)
        .map(Number);
      assert.ok(Math.abs(read[0]! - to.lat) < 0.1 && Math.abs(-read[1]! - to.lon) < 0.1, `${read}`);
      await tab.act('Measure a distance');
      await shows(tab, '#note', /^5\d\d km$/);
      const km = parseFloat(await tab.text('#note'));
      assert.ok(Math.abs(km - distanceKm(from, to)) < 10, `${km} km, not ${distanceKm(from, to)}`);
      assert.deepEqual(tab.errors, []);
    });
  },
  true,
);

/** Waits for this many saved files and returns them. */
function files(tab: Tab, count: number): ReturnType<Tab['saved']> {
  return until(async () => {
    const saved = await tab.saved();
    return saved.length >= count ? saved : undefined;
  }, `${count} files`);
}

/** Where the picture lies in the window. */
async function corners(page: Page): Promise<number[]> {
  const { x, y, width, height } = (await (await page.$('#picture'))!.boundingBox())!;
  return [x, y, x + width, y + height];
}
