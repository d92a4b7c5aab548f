import { clip, looped } from './clips.ts';
import { sleep } from './latency.ts';
import type { Plan } from './plan.ts';
import { lineChart } from './plot.ts';
import { number, type Section, type Verdict, writeResult } from './report.ts';
import { Services } from './services.ts';
import { trend } from './statistics.ts';
import { Viewers } from './viewers.ts';

const SAMPLE_S = 1;
const VIEWERS = 100;
/** Most megabytes that each may hold, by the services' own account. */
const AIMS: Record<string, number> = { 'playback + ffmpeg': 120, redactor: 100, visualizer: 130 };
/** A curve is flat that grows by no more than this share, from its first sixth's median to its last's. */
export const FLAT = 0.1;
/** Until every buffer has been used once; no part of a curve that is judged. */
const WARM_UP_S = 60;
/** What rises by a frame in five minutes looks flat in a shorter run. */
const LEAST_S = 600;

interface Curve {
  clip: string;
  name: string;
  points: [seconds: number, megabytes: number][];
  peakMb: number;
}

/** What each process holds while it runs, for a clip of 10 seconds and for one of 10 minutes. */
export async function* memory(plan: Plan): Section {
  const short = await clip('sample', '1080p', 300);
  const long = await looped(short, 60);
  yield `memory: ${plan.memorySeconds} s`;
  // At once: what a process holds is its own, whoever else has the processors.
  const curves = (
    await Promise.all([
      curvesOf('10 s', short, plan.memorySeconds),
      curvesOf('10 min', long, plan.memorySeconds),
    ])
  ).flat();
  const judged = plan.memorySeconds >= LEAST_S;
  const over = judged
    ? `${plan.memorySeconds - WARM_UP_S} s after the first ${WARM_UP_S}`
    : `${plan.memorySeconds} s`;
  const trends = curves.map(curve => ({
    ...curve,
    ...trend(judged ? curve.points.filter(([at]) => at > WARM_UP_S) : curve.points),
  }));
  const verdicts: Verdict[] = trends.flatMap(({ clip: length, name, peakMb, growth, anHour }) => {
    const aim = AIMS[name];
    const flat = {
      what: `memory over ${over}, ${length} clip, ${name}: growth from the first sixth to the last`,
      found: judged
        ? `${number(100 * growth)} %, ${number(anHour)} MB an hour`
        : `too short to judge: below ${LEAST_S / 60} minutes`,
      target: `≤ ${100 * FLAT} %`,
      met: judged ? growth <= FLAT : undefined,
    };
    if (aim === undefined) return [flat];
    const most = {
      what: `memory, ${length} clip, ${name}: most`,
      found: `${number(peakMb, 0)} MB`,
      target: `≤ ${aim} MB`,
      met: peakMb <= aim,
    };
    return [flat, most];
  });
  writeResult(
    'memory.svg',
    lineChart(
      `Memory, 1080p30, ${VIEWERS} viewers`,
      'MB resident',
      'seconds',
      curves.map(({ clip: length, name, points }) => ({ name: `${name}, ${length}`, points })),
    ),
  );
  yield {
    title: `Memory, sample 1080p at 30 frames a second, ${VIEWERS} viewers of /stream, one at 30 frames a second and the others at 1, MB resident`,
    columns: ['', 'medians of its sixths', 'growth', 'MB an hour', 'most'],
    rows: trends.map(({ clip: length, name, peakMb, sixths, growth, anHour }) => [
      `${name}, ${length} clip`,
      sixths.map(mb => number(mb, 0)).join(', '),
      judged ? `${number(100 * growth)} %` : '',
      judged ? number(anHour) : '',
      number(peakMb, 0),
    ]),
    notes: [
      `${over}; “growth”: from the first sixth to the last; “MB an hour”: by least squares over all of it; “most”: from the start.`,
      ...(judged ? [] : [`Too short to judge whether a curve is flat: below ${LEAST_S / 60} minutes.`]),
    ],
  };
  return { verdicts, raw: curves };
}

async function curvesOf(length: string, path: string, seconds: number): Promise<Curve[]> {
  await using services = await Services.start({ path });
  await services.live();
  const port = Number(new URL(services.url).port);
  const watch = (viewers: number, stream: string) =>
    Viewers.watch({ port, path: stream, viewers, framing: 'chunks' });
  // One frame a second each: what is asked for is memory by viewers, not this machine's throughput.
  await using many = await watch(VIEWERS - 1, '/stream?fps=1');
  // And one who takes all, or only those frames would be encoded at which one of the others is due.
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
    await sleep(SAMPLE_S);
    const at = (performance.now() - startMs) / 1000;
    const now = services.snapshot();
    for (const [name, { residentMb, peakMb }] of Object.entries(now)) add(name, at, residentMb, peakMb);
    const both = now['playback']!.residentMb + now['ffmpeg']!.residentMb;
    add('playback + ffmpeg', at, both, both);
    if (at < seconds) continue;
    // A curve without its viewers would tell of something else.
    await Promise.all([many.tally(), one.tally()]);
    return [...curves.values()];
  }
}
