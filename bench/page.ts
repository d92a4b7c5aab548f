/**
 * `npm run bench:page`: what the page costs its browser. Prints the CPU of each Chromium process while it shows the sample clip
 * live, beside a bare `<img>` of the same stream. With `--wall MINUTES`: the page's memory in wall mode over that time.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'puppeteer-core';
import { launch } from '../tests/support/browsers.ts';
import { makeClip, temporaryFolder } from '../tests/support/clips.ts';
import { childrenOf } from '../tests/support/processes.ts';
import { startChain } from '../tests/support/services.ts';
import { usage } from './proc.ts';

const SIZE = { width: 1280, height: 800 };
const WARM_UP_MS = 5000;
const SAMPLE_MS = 10_000;
const MB = 2 ** 20;

const { values } = parseArgs({
  options: { wall: { type: 'string' }, seconds: { type: 'string', default: '20' } },
});
if (values.wall) await wall(Number(values.wall));
else await cost(Number(values.seconds));

async function cost(seconds: number): Promise<void> {
  await using chain = await startChain();
  for (const [what, path] of [
    ['the page', '/'],
    ['a bare image of /stream.mjpg', '/stream.mjpg'],
  ] as const) {
    await using browser = await launch('chromium');
    const page = await open(browser, chain.web + path);
    await sleep(WARM_UP_MS);
    const before = cpuOf(browser);
    const drawn = path === '/' ? countDrawn(page) : undefined;
    const beganMs = performance.now();
    await sleep(seconds * 1000);
    const ms = performance.now() - beganMs;
    const fps =
      drawn !== undefined ? `, ${(((await (await drawn)()) * 1000) / ms).toFixed(1)} pictures a second` : '';
    const after = cpuOf(browser);
    const shares = [...after].map(
      ([kind, cpuMs]) => `${kind} ${((100 * (cpuMs - (before.get(kind) ?? 0))) / ms).toFixed(1)} %`,
    );
    console.log(`${what}: ${shares.join(', ')} of one core${fps}`);
  }
}

async function wall(minutes: number): Promise<void> {
  await using folder = await temporaryFolder();
  const clip = await makeClip(`${folder.path}/clip.mp4`, { size: '640x360', fps: 10, seconds: 20 });
  await using chain = await startChain({ DATA_FILE: clip });
  await using browser = await launch('chromium');
  const page = await open(browser, `${chain.web}/#wall=true`);
  await page.waitForSelector('html.wall[data-state="live"]');
  const session = await page.createCDPSession();
  const samples: { minute: number; heap: number; resident: number }[] = [];
  const began = performance.now();
  while (performance.now() - began < minutes * 60_000) {
    await sleep(SAMPLE_MS);
    const minute = (performance.now() - began) / 60_000;
    await session.send('HeapProfiler.collectGarbage');
    const { JSHeapUsedSize: heap = 0 } = await page.metrics();
    const resident = residentKb(browser) / 1024;
    samples.push({ minute, heap: heap / MB, resident });
    console.log(
      `${minute.toFixed(1)} min: heap ${(heap / MB).toFixed(2)} MB, renderer ${resident.toFixed(0)} MB`,
    );
  }
  // The first fifth warms up.
  const steady = samples.slice(Math.ceil(samples.length / 5));
  for (const what of ['heap', 'resident'] as const) {
    const slope = slopeOf(steady.map(sample => [sample.minute / 60, sample[what]]));
    console.log(`${what}: ${slope.toFixed(2)} MB an hour`);
  }
}

async function open(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.setViewport(SIZE);
  // A stream of parts never finishes loading.
  await page.goto(url, { waitUntil: url.endsWith('mjpg') ? [] : 'load' }).catch(() => {});
  await page.bringToFront();
  return page;
}

/** Begins to count the pictures that come to the screen. */
async function countDrawn(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(`globalThis.count = 0;
    new MutationObserver(() => count++).observe(document.documentElement, { attributeFilter: ['data-drawn-seq'] });`);
  return async () => Number(await page.evaluate('count'));
}

function processesOf(browser: Browser): { pid: number; kind: string }[] {
  const all = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(all)];
  return all(browser.process()!.pid!).map(pid => {
    let command = '';
    try {
      command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    } catch {
      // It ended after it was listed.
    }
    return { pid, kind: /--type=([\w-]+)/.exec(command)?.[1] ?? 'browser' };
  });
}

/** Returns CPU ms by kind of process; the page's own is `renderer`. */
function cpuOf(browser: Browser): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { pid, kind } of processesOf(browser)) {
    sums.set(kind, (sums.get(kind) ?? 0) + (usage(pid)?.cpuMs ?? 0));
  }
  return new Map([...sums].filter(([, cpuMs]) => cpuMs > 0));
}

/** The largest renderer is the page's: Chromium keeps a spare one. */
function residentKb(browser: Browser): number {
  const renderers = processesOf(browser).filter(({ kind }) => kind === 'renderer');
  return Math.max(...renderers.map(({ pid }) => usage(pid)?.residentKb ?? 0));
}

/** Least squares. */
function slopeOf(points: [x: number, y: number][]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x0, y0] = [mean(0), mean(1)];
  const over = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0);
  return over / points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
}
