import { clip, SIZES, type Size } from './clips.ts';
import { sleep } from './latency.ts';
import type { Plan } from './plan.ts';
import { number, type Section } from './report.ts';
import { Services } from './services.ts';
import { leastSquares, sum } from './statistics.ts';
import { Viewers } from './viewers.ts';

const SETTLE_S = 3;

interface Point {
  size: Size;
  fps: number;
  viewers: number;
  /** Millions of pixels a second through the chain. */
  megapixels: number;
  /** Megabytes a second to all viewers. */
  megabytes: number;
  /** CPU milliseconds a second. */
  cpu: Record<string, number>;
  residentMb: Record<string, number>;
}

/** CPU and memory against pixels, rate and viewers, and the formula that fits them. */
export async function* cost(plan: Plan): Section {
  const points: Point[] = [];
  for (const [size, fps, viewers] of plan.cost) {
    yield `cost: ${size} at ${fps} a second, ${viewers} viewers`;
    const path = await clip('sample', size, 300);
    await using services = await Services.start({ path, fps, environment: { PLAYBACK_LOOP: '1' } });
    await services.live();
    const port = Number(new URL(services.url).port);
    await using load = await Viewers.watch({ port, path: '/stream', viewers, framing: 'chunks' });
    await sleep(SETTLE_S);
    await load.tally();
    const before = services.snapshot();
    await sleep(plan.costSeconds);
    const tally = await load.tally();
    const after = services.snapshot();
    const [width, height] = SIZES[size];
    const got = sum(tally.frames) / Math.max(1, viewers) / tally.seconds;
    points.push({
      size,
      fps: viewers > 0 ? got : fps,
      viewers,
      megapixels: (fps * width * height) / 1e6,
      megabytes: tally.bytes / 1e6 / tally.seconds,
      cpu: Object.fromEntries(
        Object.keys(after).map(name => [name, (after[name]!.cpuMs - before[name]!.cpuMs) / tally.seconds]),
      ),
      residentMb: Object.fromEntries(Object.keys(after).map(name => [name, after[name]!.residentMb])),
    });
  }
  const total = (values: Record<string, number>) => sum(Object.values(values));
  // What nobody watches is not encoded.
  const cpuTerms = ({ megapixels, megabytes, viewers }: Point) => [
    1,
    megapixels,
    viewers > 0 ? megapixels : 0,
    megabytes,
  ];
  const memoryTerms = ({ size }: Point) => [1, (SIZES[size][0] * SIZES[size][1]) / 1e6];
  const cpu = leastSquares(
    points.map(cpuTerms),
    points.map(point => total(point.cpu)),
  );
  const memory = leastSquares(
    points.map(memoryTerms),
    points.map(point => total(point.residentMb)),
  );
  const byFormula = (factors: number[], terms: number[]) => sum(terms.map((term, i) => term * factors[i]!));
  const predicted = (point: Point) => byFormula(cpu, cpuTerms(point));
  const cpuOver = Math.max(...points.map(point => total(point.cpu) - predicted(point)));
  const memoryOver = Math.max(
    ...points.map(point => total(point.residentMb) - byFormula(memory, memoryTerms(point))),
  );
  yield {
    title: `Cost, sample, ${plan.costSeconds} s each, CPU in per cent of one processor`,
    columns: [
      '',
      'Mpixel/s',
      'fps a viewer',
      'MB/s out',
      'playback',
      'ffmpeg',
      'redactor',
      'visualizer',
      'CPU in all',
      'by formula',
      'MB in all',
    ],
    rows: points.map(point => [
      `${point.size}, ${point.viewers} viewers`,
      number(point.megapixels),
      number(point.fps),
      number(point.megabytes, 0),
      ...['playback', 'ffmpeg', 'redactor', 'visualizer'].map(name => number(point.cpu[name]! / 10, 0)),
      number(total(point.cpu) / 10, 0),
      number(predicted(point) / 10, 0),
      number(total(point.residentMb), 0),
    ]),
    notes: [
      `CPU % of one processor = ${number(cpu[0]! / 10)} + ${number(cpu[1]! / 10, 2)} × Mpixel/s + ` +
        `${number(cpu[2]! / 10, 2)} × Mpixel/s while anyone watches + ${number(cpu[3]! / 10, 3)} × MB/s to viewers; ` +
        `measured at most ${number(cpuOver / 10)} above`,
      `memory MB = ${number(memory[0]!, 0)} + ${number(memory[1]!, 1)} × Mpixel a frame; measured at most ${number(memoryOver, 0)} above`,
    ],
  };
  return { verdicts: [], raw: { points, cpu, memory } };
}
