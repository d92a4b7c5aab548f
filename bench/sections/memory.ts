import { setTimeout as sleep } from 'node:timers/promises';
import { clip, looped } from '../clips.ts';
import { Services } from '../load/services.ts';
import { Viewers } from '../load/viewers.ts';
import type { Plan } from '../plan.ts';
import { lineChart } from '../plot.ts';
import { number, type Section, type Table, type Verdict, writeResult } from '../report.ts';
import { type Trend, trend } from '../statistics.ts';

const SAMPLE_MS = 1000;
const VIEWERS = 100;
/** Our aim for the most that each may hold, in megabytes. */
const AIMS: Record<string, number> = { 'playback + ffmpeg': 120, redactor: 100, visualizer: 130 };
/** A curve is flat if it grows by at most this share from the median of its first sixth to that of its last. */
export const FLAT = 0.1;
/** Until every buffer has been used once; judged curves start after it. */
const WARM_UP_S = 60;
/** A rise of one frame in five minutes looks flat in a shorter run. */
const LEAST_S = 600;

interface Curve {
  clip: string;
  name: string;
  points: [seconds: number, megabytes: number][];
  peakMb: number;
}

type Judged = Curve & Trend;

/** What each process holds while it runs, for a clip of 10 seconds and for one of 10 minutes. */
export async function* memory(plan: Plan): Section {
  const short = await clip('sample', '1080p', 300);
  const long = await looped(short, 60);
  yield `memory: ${plan.memorySeconds} s`;
  // Both at once: how much a process holds does not depend on who else has the processors.
  const curves = (
    await Promise.all([
      curvesOf('10 s', short, plan.memorySeconds),
      curvesOf('10 min', long, plan.memorySeconds),
    ])
  ).flat();
  const isLong = plan.memorySeconds >= LEAST_S;
  const judged = curves.map(curve => ({
    ...curve,
    ...trend(isLong ? curve.points.filter(([at]) => at > WARM_UP_S) : curve.points),
  }));
  const over = isLong
    ? `${plan.memorySeconds - WARM_UP_S} s after the first ${WARM_UP_S}`
    : `${plan.memorySeconds} s`;
  writeResult('memory.svg', chart(curves));
  yield table(judged, over, isLong);
  return { verdicts: judged.flatMap(curve => judge(curve, over, isLong)), raw: curves };
}

async function curvesOf(length: string, path: string, seconds: number): Promise<Curve[]> {
  await using services = await Services.start({ path });
  await services.live();
  const watch = (viewers: number, stream: string) =>
    Viewers.watch({ port: services.port, path: stream, viewers, framing: 'chunks' });
  // One frame a second each: the question is memory by viewers, not this machine's throughput.
  await using many = await watch(VIEWERS - 1, '/stream?fps=1');
  // And one viewer of every frame, so that every frame is encoded.
  await using one = await watch(1, '/stream');
  const curves = new Map<string, Curve>();
  const startMs = performance.now();
  const add = (name: string, at: number, megabytes: number, peakMb: number) => {
    const curve = curves.get(name) ?? { clip: length, name, points: [], peakMb: 0 };
    curve.points.push([at, megabytes]);
    curve.peakMb = Math.max(curve.peakMb, peakMb);
    curves.set(name, curve);
  };
  for (;;) {
    await sleep(SAMPLE_MS);
    const at = (performance.now() - startMs) / 1000;
    const now = services.snapshot();
    for (const [name, { residentMb, peakMb }] of Object.entries(now)) add(name, at, residentMb, peakMb);
    const both = now['playback']!.residentMb + now['ffmpeg']!.residentMb;
    add('playback + ffmpeg', at, both, both);
    if (at < seconds) continue;
    // Throws if the viewers are gone: the curve would be of something else.
    await Promise.all([many.tally(), one.tally()]);
    return [...curves.values()];
  }
}

function judge(
  { clip: length, name, peakMb, growth, anHour }: Judged,
  over: string,
  isLong: boolean,
): Verdict[] {
  const flat: Verdict = {
    what: `memory over ${over}, ${length} clip, ${name}: growth from the first sixth to the last`,
    found: isLong
      ? `${number(100 * growth)} %, ${number(anHour)} MB an hour`
      : `too short to judge: below ${LEAST_S / 60} minutes`,
    target: `≤ ${100 * FLAT} %`,
    met: isLong ? growth <= FLAT : undefined,
  };
  const aim = AIMS[name];
  if (aim === undefined) return [flat];
  const most: Verdict = {
    what: `memory, ${length} clip, ${name}: most`,
    found: `${number(peakMb, 0)} MB`,
    target: `≤ ${aim} MB`,
    met: peakMb <= aim,
  };
  return [flat, most];
}

function table(judged: Judged[], over: string, isLong: boolean): Table {
  return {
    title: `Memory, sample 1080p at 30 frames a second, ${VIEWERS} viewers of /stream, one at 30 frames a second and the others at 1, MB resident`,
    columns: ['', 'medians of its sixths', 'growth', 'MB an hour', 'most'],
    rows: judged.map(({ clip: length, name, peakMb, sixths, growth, anHour }) => [
      `${name}, ${length} clip`,
      sixths.map(mb => number(mb, 0)).join(', '),
      isLong ? `${number(100 * growth)} %` : '',
      isLong ? number(anHour) : '',
      number(peakMb, 0),
    ]),
    notes: [
      `${over}; “growth”: from the first sixth to the last; “MB an hour”: by least squares over all of it; “most”: from the start.`,
      ...(isLong ? [] : [`Too short to judge whether a curve is flat: below ${LEAST_S / 60} minutes.`]),
    ],
  };
}

function chart(curves: Curve[]): string {
  return lineChart(
    `Memory, 1080p30, ${VIEWERS} viewers`,
    'MB resident',
    'seconds',
    curves.map(({ clip: length, name, points }) => ({ name: `${name}, ${length}`, points })),
  );
}
