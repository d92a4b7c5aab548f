/** The page for everyone: many windows, held-back streams, old browsers, all sizes, WCAG. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createCanvas, loadImage } from 'canvas';
import type { Browser, Page } from 'puppeteer-core';
import { isBand, MARKING } from './support/band.ts';
import { BROWSERS, launch, openTab, shows } from './support/browsers.ts';
import { makeClip, temporaryFolder } from './support/clips.ts';
import { startChain } from './support/services.ts';
import { until } from './support/until.ts';

const AXE = fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url));
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

let chain: Awaited<ReturnType<typeof startChain>>;
const stack = new AsyncDisposableStack();

before(async () => {
  const folder = stack.use(await temporaryFolder());
  const clip = await makeClip(join(folder.path, 'clip.mp4'), { size: '480x272', fps: 6, seconds: 1 });
  chain = stack.use(
    await startChain({
      DATA_FILE: clip,
      REDACT_WIDTH: 16,
      MARKING: MARKING.text,
      MARKING_COLOR: MARKING.color,
    }),
  );
});
after(() => stack.disposeAsync());

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

for (const name of BROWSERS) {
  describe(name, () => {
    let browser: Browser;
    before(async () => {
      browser = stack.use(await launch(name));
    });

    test('banners are at the top and the bottom at every size, in full screen, on a wall, and under open panels', async () => {
      await using tab = await openTab(browser, chain.web);
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
      await using tab = await openTab(browser, chain.web);
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

    test('seven windows of one browser all show the picture, by one stream, also when the one that has it closes', async () => {
      const context = await browser.createBrowserContext();
      try {
        const pages: Page[] = [];
        for (let i = 0; i < 7; i++) {
          const page = await context.newPage();
          // All are seen at once, as windows side by side are.
          await page.evaluateOnNewDocument(
            `Object.defineProperty(document, 'hidden', { get: () => false });
             Object.defineProperty(document, 'visibilityState', { get: () => 'visible' });`,
          );
          await page.goto(chain.web);
          pages.push(page);
        }
        await Promise.all(pages.map(page => draws(page)));
        await until(async () => (await viewers()) === 1, 'one stream for all');
        await pages.shift()!.close();
        await Promise.all(pages.map(page => draws(page)));
        await until(async () => (await viewers()) === 1, 'one stream for those that are left');
      } finally {
        await context.close();
      }
    });

    test('where the network holds event streams back, stills are shown, and the page says so', async () => {
      await using proxy = await holdingProxy();
      await using tab = await openTab(browser, proxy.url);
      await tab.becomes('live');
      await shows(tab, '#badge', /^The network holds the stream back/);
      await draws(tab.page);
      await tab.act('Play or pause');
      await tab.becomes('paused');
      await tab.act('Loop');
      await tab.becomes('loop');
      assert.deepEqual(tab.errors, []);
    });

    test('a browser that lacks what the page needs gets the picture as MJPEG and one sentence', async () => {
      await using tab = await openTab(browser, chain.web, { before: 'delete globalThis.createImageBitmap;' });
      await until(
        () => tab.page.evaluate('document.querySelector("#stage img")?.naturalWidth > 0'),
        'the picture',
      );
      assert.equal(
        await tab.page.evaluate('document.querySelector("#stage img").src'),
        `${chain.web}/stream.mjpg`,
      );
      assert.match(await tab.text('#stage p'), /^This browser is too old for the page[^.]*\.$/);
      assert.deepEqual(tab.errors, []);
    });

    test('on a wall the picture is alone, and still says when it is not live', async () => {
      await using tab = await openTab(browser, chain.web);
      await tab.becomes('live');
      await tab.act('Wall mode');
      const seen = (selector: string) =>
        tab.page.evaluate(`document.querySelector('${selector}').checkVisibility()`) as Promise<boolean>;
      await until(async () => !(await seen('#dock')), 'the bar to go');
      assert.equal(await tab.page.evaluate('getComputedStyle(document.documentElement).cursor'), 'none');
      await draws(tab.page);
      await tab.act('Loop');
      await tab.becomes('loop');
      assert.equal(await seen('#badge'), true);
      await tab.act('Wall mode');
      await until(() => seen('#dock'), 'the bar to be back');
    });

    test('nothing has to be scrolled sideways at any width, and axe finds nothing', async () => {
      await using tab = await openTab(browser, chain.web);
      const { page } = tab;
      await tab.becomes('live');
      await page.evaluate(await readFile(AXE, 'utf8'));
      const check = async (what: string) => {
        const violations = await page.evaluate(
          `axe.run(document, { runOnly: ${JSON.stringify(WCAG)} }).then(({ violations }) =>
            violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, any }) => html + ' ' + any.map(({ message }) => message)).join()))`,
        );
        assert.deepEqual(violations, [], what);
      };
      for (const width of [320, 800, 1280, 3840]) {
        await page.setViewport({ width, height: width === 800 ? 360 : 700 });
        const wide = await page.evaluate('document.documentElement.scrollWidth');
        assert.equal(wide, width);
        await check(`live at ${width}`);
      }
      await page.setViewport({ width: 1280, height: 800 });
      const schemes = name === 'chromium' ? ['dark', 'light'] : ['as it is'];
      for (const scheme of schemes) {
        if (name === 'chromium') {
          await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
        }
        await tab.act('Loop');
        await tab.becomes('loop');
        for (const panel of ['details', 'loop-settings', 'view-settings', 'take']) {
          await page.evaluate(`document.getElementById('${panel}').showPopover()`);
          await check(`${panel}, ${scheme}`);
          await page.evaluate(`document.getElementById('${panel}').hidePopover()`);
        }
        await tab.act('Live');
        await tab.becomes('live');
        await check(`live, ${scheme}`);
      }
    });
  });
}

/** Waits until a page has drawn two more frames. */
async function draws(page: Page): Promise<void> {
  await page.evaluate(`new Promise(resolve => {
    let count = 0;
    new MutationObserver(() => ++count >= 2 && resolve()).observe(document.documentElement, { attributeFilter: ['data-drawn-seq'] });
  })`);
}

async function viewers(): Promise<number> {
  const status = (await (await fetch(`${chain.web}/status`)).json()) as { viewers: { now: number } };
  return status.viewers.now;
}

/** A proxy that passes everything on but what comes by an event stream, as those do that wait for the end of an answer. */
async function holdingProxy() {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/stream')) return;
    get(`${chain.web}${request.url}`, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
