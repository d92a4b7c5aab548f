import { existsSync } from 'node:fs';
import { processors } from './chain.ts';
import { clip } from './clips.ts';
import type { Plan } from './plan.ts';
import { barChart } from './plot.ts';
import { machineBusyMs } from './proc.ts';
import { number, type Section, type Table, type Verdict, writeResult } from './report.ts';
import { Services } from './services.ts';
import { quantile, sum } from './statistics.ts';
import { Viewers } from './viewers.ts';

const BUCKETS_MS = [4, 6, 8, 10, 12, 15, 20, 25, 35, 50, 100, Number.POSITIVE_INFINITY];
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(path =>
  existsSync(path),
);

/** From playback's time stamp to a viewer's hand and to a browser's canvas, at the clip's own 30 frames a second. */
export async function* latency(plan: Plan): Section {
  const path = await clip('sample', '1080p', 300);
  await using services = await Services.start({ path });
  await services.live();
  const rows: Table['rows'] = [];
  const verdicts: Verdict[] = [];
  const found: { name: string; ms: number[]; others: number }[] = [];
  for (const [name, stream] of [
    ['/stream', '/stream'],
    ['/stream.mjpg', '/stream.mjpg'],
  ] as const) {
    yield `latency: ${name}, ${plan.latencySeconds} s`;
    await using viewers = await Viewers.watch({
      port: Number(new URL(services.url).port),
      path: stream,
      viewers: 1,
      framing: 'chunks',
    });
    const { ms, others } = await during(
      services,
      plan.latencySeconds,
      async () => (await viewers.tally()).latenciesMs,
      viewers,
    );
    found.push({ name: `in hand, ${name}`, ms, others });
  }
  yield `latency: Chromium, ${plan.latencySeconds} s`;
  const drawn = CHROMIUM ? await drawnMs(services.url, plan.latencySeconds) : undefined;
  if (drawn) found.push({ name: 'drawn in Chromium', ...drawn });
  for (const { name, ms, others } of found) {
    rows.push([
      name,
      String(ms.length),
      ...[0, 0.5, 0.9, 0.99, 1].map(q => number(quantile(ms, q))),
      `${number(100 * others, 0)} %`,
    ]);
  }
  const hand = found[0]!.ms;
  const judge = (what: string, value: number, limit: number) =>
    verdicts.push({ what, found: `${number(value)} ms`, target: `≤ ${limit} ms`, met: value <= limit });
  judge('latency, 1080p30, in hand, p50', quantile(hand, 0.5), 12);
  judge('latency, 1080p30, in hand, p99', quantile(hand, 0.99), 25);
  if (drawn) judge('latency, 1080p30, drawn in Chromium, p50', quantile(drawn.ms, 0.5), 50);
  const histograms = found.map(({ name, ms }) => ({ name, shares: histogram(ms) }));
  writeResult(
    'latency.svg',
    barChart(
      'Latency at 1080p30, from playback’s time stamp',
      'per cent of the frames, by milliseconds',
      BUCKETS_MS.map((ms, i) => (Number.isFinite(ms) ? `≤ ${ms}` : `> ${BUCKETS_MS[i - 1]}`)),
      histograms.map(({ name, shares }) => ({
        name,
        values: shares.map(share => ({ median: 100 * share, min: 100 * share, max: 100 * share })),
      })),
    ),
  );
  yield {
    title: 'Latency, sample 1080p at its own 30 frames a second, milliseconds',
    columns: ['', 'frames', 'least', 'p50', 'p90', 'p99', 'most', 'others’ CPU'],
    rows,
    notes: CHROMIUM ? [] : ['MISSING, so not measured: Chromium (apt-get install chromium)'],
  };
  yield {
    title: 'Latency, share of the frames, per cent',
    columns: ['ms', ...histograms.map(({ name }) => name)],
    rows: BUCKETS_MS.map((ms, i) => [
      Number.isFinite(ms) ? `≤ ${ms}` : `> ${BUCKETS_MS[i - 1]}`,
      ...histograms.map(({ shares }) => number(100 * shares[i]!)),
    ]),
    notes: [],
  };
  return { verdicts, raw: found };
}

async function during(
  services: Services,
  seconds: number,
  take: () => Promise<number[]>,
  viewers: Viewers,
): Promise<{ ms: number[]; others: number }> {
  await sleep(2);
  await viewers.tally();
  const cpu = () => sum(Object.values(services.snapshot()).map(({ cpuMs }) => cpuMs));
  const [busyBefore, ownBefore] = [machineBusyMs(), cpu()];
  await sleep(seconds);
  const ms = await take();
  const others = machineBusyMs() - busyBefore - (cpu() - ownBefore);
  return { ms, others: Math.max(0, others) / (1000 * seconds * processors) };
}

/** What the page itself tells of each picture it has drawn. */
async function drawnMs(url: string, seconds: number): Promise<{ ms: number[]; others: number } | undefined> {
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
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
    return { ms: ms.filter(Number.isFinite), others: Number.NaN };
  } finally {
    await browser.close();
  }
}

function histogram(ms: readonly number[]): number[] {
  return BUCKETS_MS.map(
    (limit, i) => ms.filter(one => one <= limit && one > (BUCKETS_MS[i - 1] ?? -1)).length / ms.length,
  );
}

export function sleep(seconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, seconds * 1000));
}
