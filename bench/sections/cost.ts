import { setTimeout as sleep } from 'node:timers/promises';
import { clip, looped } from '../clips.ts';
import { Services } from '../load/services.ts';
import { Viewers } from '../load/viewers.ts';
import type { Plan } from '../plan.ts';
import { number, type Section, type Table } from '../report.ts';
import { sum } from '../statistics.ts';
import {
  cpuPercentOf,
  describe,
  type Formulas,
  formulasOf,
  isFull,
  megapixelsOf,
  memoryMbOf,
  type Point,
  TERMS,
} from './cost-formula.ts';

const SETTLE_MS = 3000;
const TURNS = 3;
const PROCESSES = ['playback', 'ffmpeg', 'redactor', 'visualizer'];

/** CPU and memory by pixels, rate and viewers, and the formulas that fit them. */
export async function* cost(plan: Plan): Section {
  const points: Point[] = [];
  for (const setting of plan.cost) {
    const [size, fps, viewers] = setting;
    yield `cost: ${size} at ${fps} a second, ${viewers} viewers`;
    points.push(await measure(setting, plan.costSeconds));
  }
  const formulas = formulasOf(points);
  yield table(points, formulas, plan.costSeconds);
  return { verdicts: [], raw: { points, cpu: formulas?.cpu.factors, memory: formulas?.memory.factors } };
}

async function measure([size, fps, viewers]: Plan['cost'][number], seconds: number): Promise<Point> {
  // Long enough not to start over meanwhile, when two decoders overlap.
  const path = await looped(await clip('sample', size, 300), TURNS);
  await using services = await Services.start({ path, fps, environment: { PLAYBACK_LOOP: '1' } });
  await services.live();
  await using load = await Viewers.watch({
    port: services.port,
    path: '/stream',
    viewers,
    framing: 'chunks',
  });
  await sleep(SETTLE_MS);
  await load.tally();
  const before = services.snapshot();
  await sleep(1000 * seconds);
  const tally = await load.tally();
  const after = services.snapshot();
  return {
    size,
    fps,
    viewers,
    got: viewers > 0 ? sum(tally.frames) / viewers / tally.seconds : fps,
    megapixels: fps * megapixelsOf(size),
    megabytes: tally.bytes / 1e6 / tally.seconds,
    cpu: Object.fromEntries(
      PROCESSES.map(name => [name, (after[name]!.cpuMs - before[name]!.cpuMs) / tally.seconds]),
    ),
    residentMb: Object.fromEntries(PROCESSES.map(name => [name, after[name]!.residentMb])),
  };
}

function table(points: Point[], formulas: Formulas | undefined, seconds: number): Table {
  const predicted = (formula: keyof Formulas, point: Point) =>
    formulas && !isFull(point) ? number(formulas[formula].predict(TERMS[formula](point)), 0) : '–';
  return {
    title: `Cost, sample, ${seconds} s each, CPU in per cent of one processor`,
    columns: [
      ...['', 'Mpixel/s', 'fps a viewer', 'MB/s out', ...PROCESSES],
      ...['CPU in all', 'by formula', 'MB in all', 'by formula'],
    ],
    rows: points.map(point => [
      `${point.size} at ${point.fps}, ${point.viewers} viewers`,
      number(point.megapixels),
      number(point.got),
      number(point.megabytes, 0),
      ...PROCESSES.map(name => number(point.cpu[name]! / 10, 0)),
      number(cpuPercentOf(point), 0),
      predicted('cpu', point),
      number(memoryMbOf(point), 0),
      predicted('memory', point),
    ]),
    notes: [
      ...describe(formulas),
      'Where the viewers did not get everything, the machine was full, and the formulas leave it out.',
    ],
  };
}
