import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { clip } from '../clips.ts';
import { othersShare } from '../contenders/run.ts';
import { Services } from '../load/services.ts';
import { Viewers } from '../load/viewers.ts';
import type { Plan } from '../plan.ts';
import { barChart } from '../plot.ts';
import { machineBusyMs } from '../proc.ts';
import { number, type Section, type Table, type Verdict, writeResult } from '../report.ts';
import { quantile, sum } from '../statistics.ts';

const WARM_UP_MS = 2000;
const BUCKETS_MS = [4, 6, 8, 10, 12, 15, 20, 25, 35, 50, 100, Number.POSITIVE_INFINITY];
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(path =>
  existsSync(path),
);

interface Sample {
  name: string;
  ms: number[];
  /** Share of the machine that other programs used meanwhile; NaN in a browser, whose own share is not known. */
  others: number;
}

/** From playback's time stamp to a viewer's hand and to a browser's canvas, at the clip's own 30 frames a second. */
export async function* latency(plan: Plan): Section {
  const path = await clip('sample', '1080p', 300);
  await using services = await Services.start({ path });
  await services.live();
  const found: Sample[] = [];
  for (const stream of ['/stream', '/stream.mjpg']) {
    yield `latency: ${stream}, ${plan.latencySeconds} s`;
    found.push(await inHand(services, stream, plan.latencySeconds));
  }
  yield `latency: Chromium, ${plan.latencySeconds} s`;
  if (CHROMIUM) found.push(await drawn(services.url, CHROMIUM, plan.latencySeconds));
  writeResult('latency.svg', chart(found));
  yield quantiles(found);
  yield shares(found);
  return { verdicts: judge(found), raw: found };
}

/** Measures one viewer of a stream in a process of its own. */
async function inHand(services: Services, stream: string, seconds: number): Promise<Sample> {
  const { port } = services;
  await using viewers = await Viewers.watch({ port, path: stream, viewers: 1, framing: 'chunks' });
  await sleep(WARM_UP_MS);
  await viewers.tally();
  const ownCpu = () => sum(Object.values(services.snapshot()).map(({ cpuMs }) => cpuMs));
  const [busyBefore, ownBefore] = [machineBusyMs(), ownCpu()];
  await sleep(1000 * seconds);
  const { latenciesMs } = await viewers.tally();
  const others = othersShare(machineBusyMs() - busyBefore, ownCpu() - ownBefore, seconds);
  return { name: `in hand, ${stream}`, ms: latenciesMs, others };
}

/** Collects what the page itself reports of each picture that it has drawn. */
async function drawn(url: string, chromiumPath: string, seconds: number): Promise<Sample> {
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
    await page.goto(url);
    await page.waitForSelector('html[data-drawn-seq]', { state: 'attached' });
    const ms = await page.evaluate<number[]>(`(async () => {
      const seen = [];
      const root = document.documentElement;
      const watch = new MutationObserver(() => seen.push(Number(root.dataset.drawLatencyMs)));
      watch.observe(root, { attributeFilter: ['data-drawn-seq'] });
      await new Promise(resolve => setTimeout(resolve, ${seconds * 1000}));
      watch.disconnect();
      return seen;
    })()`);
    return { name: 'drawn in Chromium', ms: ms.filter(Number.isFinite), others: Number.NaN };
  } finally {
    await browser.close();
  }
}

function judge([first, , inBrowser]: Sample[]): Verdict[] {
  const verdict = (what: string, value: number, limit: number): Verdict => ({
    what: `latency, 1080p30, ${what}`,
    found: `${number(value)} ms`,
    target: `≤ ${limit} ms`,
    met: value <= limit,
  });
  return [
    verdict('in hand, p50', quantile(first!.ms, 0.5), 12),
    verdict('in hand, p99', quantile(first!.ms, 0.99), 25),
    ...(inBrowser ? [verdict('drawn in Chromium, p50', quantile(inBrowser.ms, 0.5), 50)] : []),
  ];
}

function quantiles(found: Sample[]): Table {
  return {
    title: 'Latency, sample 1080p at its own 30 frames a second, milliseconds',
    columns: ['', 'frames', 'least', 'p50', 'p90', 'p99', 'most', 'others’ CPU'],
    rows: found.map(({ name, ms, others }) => [
      name,
      String(ms.length),
      ...[0, 0.5, 0.9, 0.99, 1].map(q => number(quantile(ms, q))),
      `${number(100 * others, 0)} %`,
    ]),
    notes: CHROMIUM ? [] : ['MISSING, so not measured: Chromium (apt-get install chromium)'],
  };
}

function shares(found: Sample[]): Table {
  const histograms = found.map(({ ms }) => histogram(ms));
  return {
    title: 'Latency, share of the frames, per cent',
    columns: ['ms', ...found.map(({ name }) => name)],
    rows: BUCKETS_MS.map((_, i) => [
      bucketName(i),
      ...histograms.map(histogram => number(100 * histogram[i]!)),
    ]),
    notes: [],
  };
}

function chart(found: Sample[]): string {
  return barChart(
    'Latency at 1080p30, from playback’s time stamp',
    'per cent of the frames, by milliseconds',
    BUCKETS_MS.map((_, i) => bucketName(i)),
    found.map(({ name, ms }) => ({
      name,
      values: histogram(ms).map(share => ({ median: 100 * share, min: 100 * share, max: 100 * share })),
    })),
  );
}

function bucketName(i: number): string {
  const limit = BUCKETS_MS[i]!;
  return Number.isFinite(limit) ? `≤ ${limit}` : `> ${BUCKETS_MS[i - 1]}`;
}

function histogram(ms: readonly number[]): number[] {
  return BUCKETS_MS.map(
    (limit, i) => ms.filter(one => one <= limit && one > (BUCKETS_MS[i - 1] ?? -1)).length / ms.length,
  );
}
