import { clip, looped, SIZES, type Size } from './clips.ts';
import { sleep } from './latency.ts';
import type { Plan } from './plan.ts';
import { number, type Section } from './report.ts';
import { Services } from './services.ts';
import { type Fit, fit, sum } from './statistics.ts';
import { Viewers } from './viewers.ts';

const SETTLE_S = 3;
const TURNS = 3;
/** Of the frames that are due, what a viewer gets who misses none that counts. */
const ALL = 0.95;
/** Twice the terms of the longer formula. */
const LEAST_POINTS = 10;

interface Point {
  size: Size;
  fps: number;
  viewers: number;
  /** Frames a second that a viewer got; with nobody there, all. */
  got: number;
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
    // Long enough that it does not turn meanwhile: there two decoders overlap.
    const path = await looped(await clip('sample', size, 300), TURNS);
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
    points.push({
      size,
      fps,
      viewers,
      got: viewers > 0 ? sum(tally.frames) / viewers / tally.seconds : fps,
      megapixels: fps * megapixelsOf(size),
      megabytes: tally.bytes / 1e6 / tally.seconds,
      cpu: Object.fromEntries(
        Object.keys(after).map(name => [name, (after[name]!.cpuMs - before[name]!.cpuMs) / tally.seconds]),
      ),
      residentMb: Object.fromEntries(Object.keys(after).map(name => [name, after[name]!.residentMb])),
    });
  }
  // Where the viewers did not get all, the machine was full, and what that costs is no formula's.
  const isFull = ({ fps, got }: Point) => got < ALL * fps;
  const fitted = points.filter(point => !isFull(point));
  const formulas = fitted.length >= LEAST_POINTS ? formulasOf(fitted) : undefined;
  const predicted = (formula: 'cpu' | 'memory', point: Point) =>
    formulas && !isFull(point) ? number(formulas[formula].predict(TERMS[formula](point)), 0) : '–';
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
      'by formula',
    ],
    rows: points.map(point => [
      `${point.size} at ${point.fps}, ${point.viewers} viewers`,
      number(point.megapixels),
      number(point.got),
      number(point.megabytes, 0),
      ...['playback', 'ffmpeg', 'redactor', 'visualizer'].map(name => number(point.cpu[name]! / 10, 0)),
      number(total(point.cpu) / 10, 0),
      predicted('cpu', point),
      number(total(point.residentMb), 0),
      predicted('memory', point),
    ]),
    notes: [
      ...(formulas
        ? notesOf(formulas)
        : [`Fewer than ${LEAST_POINTS} measurements: no formula is made of them.`]),
      'Where the viewers got less than all, the machine was full, and the formulas leave it out.',
    ],
  };
  return { verdicts: [], raw: { points, cpu: formulas?.cpu.factors, memory: formulas?.memory.factors } };
}

const total = (values: Record<string, number>) => sum(Object.values(values));

/** What each formula is made of. */
const TERMS = {
  // What nobody watches is not encoded.
  cpu: ({ fps, megapixels, viewers, megabytes }: Point) => [
    1,
    fps,
    megapixels,
    viewers > 0 ? megapixels : 0,
    megabytes,
  ],
  memory: ({ size, megapixels }: Point) => [1, megapixelsOf(size), megapixels],
};

function formulasOf(points: Point[]): Record<keyof typeof TERMS, Fit> {
  return {
    cpu: fit(
      points.map(TERMS.cpu),
      points.map(({ cpu }) => total(cpu) / 10),
    ),
    memory: fit(
      points.map(TERMS.memory),
      points.map(({ residentMb }) => total(residentMb)),
    ),
  };
}

function notesOf({ cpu, memory }: Record<keyof typeof TERMS, Fit>): string[] {
  const [fixed, aFrame, aMegapixel, watched, aMegabyte] = cpu.factors.map(factor => number(factor, 3));
  const [atRest, ofSize, ofRate] = memory.factors.map(factor => number(factor, 2));
  const above = ({ over }: Fit) => `measured at most ${number(100 * over, 0)} % above`;
  return [
    `CPU % of one processor = ${fixed} + ${aFrame} × frames/s + ${aMegapixel} × Mpixel/s + ` +
      `${watched} × Mpixel/s while anyone watches + ${aMegabyte} × MB/s to viewers; ${above(cpu)}`,
    `memory MB = ${atRest} + ${ofSize} × Mpixel a frame + ${ofRate} × Mpixel/s; ${above(memory)}`,
  ];
}

function megapixelsOf(size: Size): number {
  const [width, height] = SIZES[size];
  return (width * height) / 1e6;
}
