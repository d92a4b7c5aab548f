/** The page for everyone: all sizes, light and dark, keyboard, screen readers, WCAG. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createCanvas, loadImage } from 'canvas';
import type { Page } from 'puppeteer-core';
import { isBand, MARKING } from './support/band.ts';
import { launch, openTab, shows, type Tab } from './support/browsers.ts';
import { enterLoop, historyOf, inBrowsers } from './support/in-browsers.ts';
import { until } from './support/until.ts';

const AXE = fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url));
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const FRAMES = 6;
const TIMES = { CLIP_START: '2026-03-14T18:00:31Z', CLIP_STEP: 300 };
const BADGE = /^Loop · 2026-03-14 18:\d\d:31 UTC · not live$/;

/** What the page shows at its top and at its bottom: what can be seen there, over all else. */
const banners = (page: Page) =>
  page.evaluate(`[1, innerHeight - 2].map(y => {
    const banner = document.elementFromPoint(innerWidth / 2, y);
    const { backgroundColor, color } = getComputedStyle(banner);
    return { text: banner.textContent, backgroundColor, color, whole: banner.scrollHeight <= banner.clientHeight + 1,
      wide: banner.getBoundingClientRect().width === innerWidth };
  })`);
const BANNER = {
  text: MARKING.text,
  backgroundColor: 'rgb(255, 204, 0)',
  color: 'rgb(0, 0, 0)',
  whole: true,
  wide: true,
};

inBrowsers(
  { seconds: FRAMES / 6 },
  { ...TIMES, MARKING: MARKING.text, MARKING_COLOR: MARKING.color },
  bench => {
    before(() => historyOf(bench.chain.web, FRAMES));

    test('banners are at the top and the bottom at every size, in full screen, on a wall, and under open panels', async () => {
      await using tab = await bench.open();
      const { page } = tab;
      await tab.becomes('live');
      const check = async (what: string) => assert.deepEqual(await banners(page), [BANNER, BANNER], what);
      for (const [width, height] of [
        [320, 640],
        [640, 320],
        [1024, 700],
        [3840, 2160],
      ] as const) {
        await page.setViewport({ width, height });
        await until(async () => (await page.evaluate('innerWidth')) === width, 'the size');
        await check(`${width}×${height}`);
        await tab.act('Details and keys');
        await check(`${width}×${height} with details`);
        await tab.act('Details and keys');
      }
      await page.setViewport({ width: 1024, height: 700 });
      await tab.act('Full screen');
      await check('full screen');
      await tab.act('Full screen');
      await tab.act('Wall mode');
      await check('wall');
      await tab.act('Wall mode');
      assert.deepEqual(tab.errors, []);
    });

    test('it is burned into the stills and the animation that the page saves', async () => {
      await using tab = await bench.open();
      await tab.becomes('live');
      await tab.act('Loop');
      await tab.becomes('loop');
      await shows(tab, '#loop-place', /^\d+ \/ 6$/);
      await tab.act('Save a still');
      await tab.act('Save as PNG with its time');
      await tab.act('Export the loop');
      await until(async () => (await tab.saved()).length === 3, 'the files', 20_000);
      const saved = await tab.saved();
      assert.deepEqual(saved.map(({ name: file }) => file.split('.').at(-1)).sort(), ['gif', 'jpg', 'png']);
      for (const { name: file, bytes } of saved) {
        const { width, height } = await loadImage(bytes);
        const context = createCanvas(width, height).getContext('2d');
        context.drawImage(await loadImage(bytes), 0, 0);
        const { data } = context.getImageData(0, 0, width, height);
        const picture = { width, height, rgba: data };
        const band = (height - 272) / 2;
        assert.ok(isBand(picture, 0, band) && isBand(picture, band + 272, height), file);
      }
      assert.deepEqual(tab.errors, []);
    });

    test('nothing has to be scrolled sideways at any width, and axe finds nothing', async () => {
      await using tab = await bench.open();
      await tab.becomes('live');
      const check = await axe(tab);
      for (const width of [320, 800, 1280, 3840]) {
        await tab.page.setViewport({ width, height: width === 800 ? 360 : 700 });
        assert.equal(await tab.page.evaluate('document.documentElement.scrollWidth'), width);
        await check(`live at ${width}`);
      }
      assert.ok((await brightness(tab)) < 60, 'it is dark');
      await checkPanels(tab, check);
    });

    test('in light colours axe finds nothing either, and nothing moves for those who want it so', async () => {
      const taste = { scheme: 'light', reducedMotion: true } as const;
      await using own = bench.name === 'firefox' ? await launch(bench.name, taste) : undefined;
      await using tab = await openTab(own ?? bench.browser, bench.chain.web, taste);
      assert.deepEqual(await tab.page.evaluate('document.getAnimations().length'), 0);
      await tab.becomes('live');
      assert.ok((await brightness(tab)) > 180, 'it is light');
      // The card and its turning globe, as while the source is lost.
      const moving = `(document.documentElement.classList.add('blank'), document.getAnimations().length)`;
      assert.equal(await tab.page.evaluate(moving), 0);
      await tab.page.evaluate(`document.documentElement.classList.remove('blank')`);
      const check = await axe(tab);
      await checkPanels(tab, check);
    });

    test('in a loop its valid time and that it is not live are to be seen at every size, and on a wall', async () => {
      await using tab = await bench.open();
      await enterLoop(tab, FRAMES);
      const check = async (what: string, width: number, height: number) => {
        await until(async () => {
          const box = await tab.box('#badge');
          return box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height;
        }, `the whole badge to be in the window ${what}`);
        assert.match(await tab.text('#badge'), BADGE, what);
        assert.equal(await tab.seen('#badge'), true, what);
        const cut =
          '(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)(document.querySelector("#badge"))';
        assert.equal(await tab.page.evaluate(cut), false, `none of it is cut off ${what}`);
      };
      for (const [width, height] of [
        [320, 640],
        [640, 360],
        [1280, 800],
        [3840, 2160],
      ] as const) {
        await tab.page.setViewport({ width, height });
        await check(`at ${width} × ${height}`, width, height);
      }
      await tab.page.setViewport({ width: 1280, height: 800 });
      await tab.act('Wall mode');
      await until(async () => !(await tab.seen('#dock')), 'the bar to go');
      const [width, height] = (await tab.page.evaluate('[innerWidth, innerHeight]')) as [number, number];
      await check('on a wall', width, height);
      await tab.act('Play or pause');
      assert.match(await tab.text('#badge'), BADGE);
      await tab.act('Live');
      await tab.becomes('live');
      await until(async () => !(await tab.seen('#badge')), 'the badge to go');
    });

    test('a screen reader is told of each state, and not of each frame', async () => {
      await using tab = await bench.open();
      await tab.becomes('live');
      await shows(tab, '#voice', /^Live\. The picture is live\.$/);
      await tab.page.evaluate(`
      globalThis.told = [];
      for (const region of document.querySelectorAll('[role=status], [role=alert], [role=log], [aria-live]')) {
        new MutationObserver(() => told.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true });
      }`);
      const told = () => tab.page.evaluate('told') as Promise<string[]>;
      await tab.draws(5);
      assert.deepEqual(await told(), []);
      await enterLoop(tab, FRAMES);
      await tab.draws(5);
      assert.deepEqual(await told(), ['Loop. Past pictures, not live.']);
      await tab.act('Live');
      await tab.becomes('live');
      await until(async () => (await told()).length === 2, 'the next state');
      assert.equal((await told())[1], 'Live. The picture is live.');
    });

    test('the focus goes from left to right and from above to below, is always to be seen, and leaves a panel as it came', async () => {
      await using tab = await bench.open();
      const { page } = tab;
      await enterLoop(tab, FRAMES);
      const focus = () =>
        page.evaluate(`(() => {
        const { activeElement } = document;
        const { x, y, height } = activeElement.getBoundingClientRect();
        return { id: activeElement.id || activeElement.dataset.action, panel: activeElement.closest('[popover]')?.id,
          x, y: y + height / 2, outline: getComputedStyle(activeElement).outlineStyle };
      })()`) as Promise<{ id: string; panel?: string; x: number; y: number; outline: string }>;
      const path: Awaited<ReturnType<typeof focus>>[] = [];
      // The last stop of the page: what follows is the browser's own.
      for (let i = 0; i < 30; i++) {
        await page.keyboard.press('Tab');
        const at = await focus();
        assert.equal(at.outline, 'solid', at.id);
        path.push(at);
        if (at.id === 'take-more') break;
      }
      assert.ok(path.length >= 12, `${path.map(({ id }) => id)}`);
      for (const [i, { id, x, y }] of path.slice(1).entries()) {
        const from = path[i]!;
        const sameRow = Math.abs(from.y - y) < 20;
        assert.ok(sameRow ? x > from.x : y > from.y, `${id} comes after ${from.id}`);
      }
      await page.focus('#loop-more');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#loop-settings:popover-open');
      await page.keyboard.press('Tab');
      assert.equal((await focus()).panel, 'loop-settings');
      await page.keyboard.press('Escape');
      await page.waitForSelector('#loop-settings', { hidden: true });
      assert.equal((await focus()).id, 'loop-more');
    });

    test('on a phone, upright or on its side, less than half of the screen is empty', async () => {
      for (const [width, height] of [
        [390, 844],
        [844, 390],
      ] as const) {
        await using tab = await bench.open({ width, height, touch: true });
        await tab.becomes('live');
        const area = ({ width: w, height: h }: { width: number; height: number }) => w * h;
        const used = area(await tab.box('#frame')) + area(await tab.box('#dock'));
        const empty = 1 - used / (width * height);
        assert.ok(empty < 0.5, `${Math.round(100 * empty)} % of ${width} × ${height} are empty`);
        if (width > height) assert.ok(area(await tab.box('#frame')) >= 0.5 * width * height);
        else assert.ok(Math.abs((await tab.box('#frame')).width - width) < 1, 'from side to side');
      }
    });
  },
);

type Check = (what: string) => Promise<void>;

/** Checks the loop with each of its panels open, in a narrow window and in a wide one. */
async function checkPanels(tab: Tab, check: Check): Promise<void> {
  const { page } = tab;
  await enterLoop(tab, FRAMES);
  for (const width of [320, 1280]) {
    await page.setViewport({ width, height: 800 });
    for (const panel of ['details', 'loop-settings', 'view-settings', 'take']) {
      await page.evaluate(`document.getElementById('${panel}').showPopover()`);
      await check(`${panel} at ${width}`);
      await page.evaluate(`document.getElementById('${panel}').hidePopover()`);
    }
  }
  await tab.act('Live');
  await tab.becomes('live');
  await check('live again');
}

/** Returns what checks the page with axe. */
async function axe({ page }: Tab): Promise<Check> {
  await page.evaluate(await readFile(AXE, 'utf8'));
  return async what => {
    const violations = await page.evaluate(
      `axe.run(document, { runOnly: ${JSON.stringify(WCAG)}, resultTypes: ['violations'] }).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, any }) => html + ' ' + any.map(({ message }) => message)).join()))`,
    );
    assert.deepEqual(violations, [], what);
  };
}

/** Returns how bright the page's ground is, 0 to 255. */
async function brightness({ page }: Tab): Promise<number> {
  const colour = (await page.evaluate(
    'getComputedStyle(document.querySelector("#dock")).backgroundColor',
  )) as string;
  const [red = 0, green = 0, blue = 0] = colour.match(/\d+/g)!.map(Number);
  return (red + green + blue) / 3;
}
