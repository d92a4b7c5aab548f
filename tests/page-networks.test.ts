/** The page behind the networks that people have, and in the browsers that they have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'puppeteer-core';
import { shows } from './support/browsers.ts';
import { anotherVisualizer, enterLoop, inBrowsers } from './support/in-browsers.ts';
import { freePorts } from './support/ports.ts';
import { askPassword, holdStreams, passOn, startProxy } from './support/proxy.ts';
import { serve, startRelay } from './support/relays.ts';
import { startService } from './support/services.ts';
import { until } from './support/until.ts';

const FRAMES = 6;

inBrowsers({ seconds: FRAMES / 6 }, {}, bench => {
  test('seven windows of one browser all show the picture, by one stream, also when the one that has it closes', async () => {
    const context = await bench.browser.createBrowserContext();
    try {
      const pages: Page[] = [];
      for (let i = 0; i < 7; i++) {
        const page = await context.newPage({ type: 'window' });
        await page.goto(bench.chain.web);
        pages.push(page);
      }
      await Promise.all(pages.map(draws));
      await until(async () => (await viewers(bench.chain.web)) === 1, 'one stream for all');
      await pages.shift()!.close();
      await Promise.all(pages.map(draws));
      await until(async () => (await viewers(bench.chain.web)) === 1, 'one stream for those that are left');
    } finally {
      await context.close();
    }
  });

  test('a visualizer that is restarted hands the page to another one: live all the time, and no second without a picture', async () => {
    await using leaving = await anotherVisualizer(bench.chain, { DRAIN_SECONDS: 1 });
    const ports = [leaving.web, bench.chain.web].map(web => Number(new URL(web).port));
    using balancer = await serve((theirs, ours) => passOn(ports, theirs, ours));
    await using tab = await bench.open({ web: balancer.web });
    await tab.becomes('live');
    await tab.draws(2);
    await tab.page.evaluate(`{
      const root = document.documentElement;
      globalThis.seen = { states: [], longestMs: 0, lastMs: performance.now() };
      new MutationObserver(records => {
        if (records.some(record => record.attributeName === 'data-state')) seen.states.push(root.dataset.state);
        if (!records.some(record => record.attributeName === 'data-drawn-seq')) return;
        const nowMs = performance.now();
        seen.longestMs = Math.max(seen.longestMs, nowMs - seen.lastMs);
        seen.lastMs = nowMs;
      }).observe(root, { attributeFilter: ['data-state', 'data-drawn-seq'] });
    }`);
    assert.equal((await leaving.visualizer.stop()).how, 0);
    await tab.draws(4);
    const { states, longestMs } = (await tab.page.evaluate('seen')) as {
      states: string[];
      longestMs: number;
    };
    assert.deepEqual(states, []);
    assert.ok(longestMs < 1000, `${Math.round(longestMs)} ms without a picture`);
    assert.deepEqual(tab.errors, []);
  });

  test('the page of a relay says whether the origin has lost its source, or the relay its origin', async () => {
    const [port, nobody] = (await freePorts(2)) as [number, number];
    await using origin = startService('visualizer', {
      VISUALIZER_PORT: port,
      REDACTOR_HOST: '127.0.0.1',
      REDACTOR_PORT: nobody,
    });
    await using relay = await startRelay(`http://127.0.0.1:${port}/stream.mjpg`);
    await relay.service.logged(({ msg }) => msg.startsWith('serving the picture'));
    await using tab = await bench.open({ web: relay.web });
    await shows(tab, '#card-message', /^The visualizer at \S+ reports: Waiting for the redactor at /);
    await origin.stop('SIGKILL');
    await tab.becomes('disconnected');
    await shows(tab, '#card-message', /^This relay has lost the visualizer at /);
    assert.deepEqual(tab.errors, []);
  });

  test('where the network holds event streams back, stills are shown, and the page says so', async () => {
    await using proxy = await startProxy(bench.chain.web, holdStreams);
    await using tab = await bench.open({ web: proxy.url });
    await tab.becomes('live');
    await shows(tab, '#badge', /^The network holds the stream back/);
    await tab.draws(2);
    await tab.act('Play or pause');
    await tab.becomes('paused');
    await tab.act('Loop');
    await tab.becomes('loop');
    assert.deepEqual(tab.errors, []);
  });

  test('with credentials in its address the page works as without', async () => {
    await using proxy = await startProxy(bench.chain.web, askPassword('weather', 'f0g'));
    const web = proxy.url.replace('//', '//weather:f0g@');
    await using tab = await bench.open({ web });
    await enterLoop(tab, FRAMES);
    await tab.act('Export the loop');
    await until(async () => (await tab.saved()).length === 1, 'the file');
    await tab.act('Copy the link');
    await shows(tab, '#note', /link/);
    await tab.act('Live');
    await tab.becomes('live');
    await tab.draws(2);
    assert.deepEqual(tab.errors, []);
  });

  for (const [lack, script] of [
    ['createImageBitmap', 'delete globalThis.createImageBitmap'],
    ['readable streams', 'delete globalThis.ReadableStream'],
    ['modules', 'delete HTMLScriptElement.prototype.noModule'],
  ] as const) {
    test(`a browser without ${lack} gets the picture as MJPEG and one sentence`, async () => {
      await using tab = await bench.open({ before: `${script};` });
      await until(
        () => tab.page.evaluate('document.querySelector("#stage img")?.naturalWidth > 0'),
        'the picture',
      );
      assert.equal(
        await tab.page.evaluate('document.querySelector("#stage img").src'),
        `${bench.chain.web}/stream.mjpg`,
      );
      assert.match(await tab.text('#stage p'), /^This browser is too old for the page[^.]*\.$/);
      assert.deepEqual(tab.errors, []);
    });
  }

  test('a page whose script does not arrive shows the picture as MJPEG and one sentence', async () => {
    await using proxy = await startProxy(bench.chain.web, (request, response, forward) => {
      if (request.url !== '/script/main.js') return forward();
      response.writeHead(404).end();
    });
    await using tab = await bench.open({ web: proxy.url });
    await until(
      () => tab.page.evaluate('document.querySelector("#stage img")?.naturalWidth > 0'),
      'the picture',
    );
    assert.match(await tab.text('#stage p'), /picture as MJPEG/);
  });

  test('on a wall the picture is alone, comes back by itself after a restart, and stays a wall after an upgrade', async () => {
    await using another = await anotherVisualizer(bench.chain);
    let version = '';
    await using proxy = await startProxy(another.web, (request, response, forward) => {
      if (request.url !== '/status' && !request.url?.startsWith('/stream')) return forward();
      forward(answer => {
        // As an upgraded server would say.
        answer.setEncoding('utf8').on('data', (text: string) => {
          if (!response.destroyed) response.write(text.replace(/"version":"/g, `"version":"${version}`));
        });
        answer.on('close', () => response.end());
      });
    });
    await using tab = await bench.open({
      web: proxy.url,
      before: `globalThis.locks = 0;
        if (navigator.wakeLock) WakeLock.prototype.request = () => { locks++; return new Promise(() => {}); };`,
    });
    await tab.becomes('live');
    await tab.act('Wall mode');
    await until(async () => !(await tab.seen('#dock')), 'the bar to go');
    assert.equal(await tab.page.evaluate('getComputedStyle(document.documentElement).cursor'), 'none');
    assert.equal(await tab.page.evaluate('!navigator.wakeLock || locks > 0'), true, 'the screen stays awake');
    await tab.draws(2);
    await tab.act('Loop');
    await tab.becomes('loop');
    assert.equal(await tab.seen('#badge'), true);
    await tab.act('Live');
    await tab.becomes('live');

    await tab.page.evaluate('globalThis.opened = true');
    version = '2';
    await until(() => tab.page.evaluate('!globalThis.opened'), 'the page of the new version');
    await tab.becomes('live');
    assert.equal(await tab.seen('#dock'), false, 'it is a wall still');
    await tab.draws(2);
    await tab.act('Wall mode');
    await until(() => tab.seen('#dock'), 'the bar to be back');
  });
});

/** Waits until a page has drawn two more frames. */
async function draws(page: Page): Promise<void> {
  await page.evaluate(`new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('no two frames in 20 s: ' + document.documentElement.dataset.state)), 20_000);
    let count = 0;
    new MutationObserver(() => ++count >= 2 && resolve()).observe(document.documentElement, { attributeFilter: ['data-drawn-seq'] });
  })`);
}

async function viewers(web: string): Promise<number> {
  const status = (await (await fetch(`${web}/status`)).json()) as { viewers: { now: number } };
  return status.viewers.now;
}
