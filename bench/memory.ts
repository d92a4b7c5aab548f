import { clip, looped } from './clips.ts';
import { sleep } from './latency.ts';
import type { Plan } from './plan.ts';
import { lineChart } from './plot.ts';
import { number, type Section, type Table, type Verdict, writeResult } from './report.ts';
import { Services } from './services.ts';
import { median } from './statistics.ts';
import { Viewers } from './viewers.ts';

const SAMPLE_S = 1;
const VIEWERS = 100;
/** Most megabytes that each may hold, by the services' own account. */
const AIMS: Record<string, number> = { 'playback + ffmpeg': 120, redactor: 100, visualizer: 130 };
/** A curve is flat whose last quarter's median is within this share of its second quarter's. */
export const FLAT = 0.1;

interface Curve {
  clip: string;
  name: string;
  points: [seconds: number, megabytes: number][];
  peakMb: number;
}

/** What each process holds while it runs, for a clip of 10 seconds and for one of 10 minutes. */
export async function memory(plan: Plan): Promise<Section> {
  const short = await clip('sample', '1080p', 300);
  const long = await looped(short, 60);
  // At once: what a process holds is its own, whoever else has the processors.
  const curves = (
    await Promise.all([
      curvesOf('10 s', short, plan.memorySeconds),
      curvesOf('10 min', long, plan.memorySeconds),
    ])
  ).flat();
  const verdicts: Verdict[] = curves.flatMap(({ clip: length, name, points, peakMb }) => {
    const quarter = (i: number) => {
      const share = points.slice(
        Math.floor((i * points.length) / 4),
        Math.floor(((i + 1) * points.length) / 4),
      );
      return median(share.map(([, mb]) => mb));
    };
    const growth = quarter(3) / quarter(1) - 1;
    const aim = AIMS[name];
    const flat = {
      what: `memory over ${plan.memorySeconds} s, ${length} clip, ${name}: growth from the second quarter to the last`,
      found: `${number(100 * growth)} %`,
      target: `≤ ${100 * FLAT} %`,
      met: growth <= FLAT,
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
  const table: Table = {
    title: `Memory, sample 1080p at 30 frames a second, ${VIEWERS} viewers of /stream, one at 30 frames a second and the others at 1, MB resident`,
    columns: ['', 'at first', 'median', 'at last', 'most'],
    rows: curves.map(({ clip: length, name, points, peakMb }) => [
      `${name}, ${length} clip`,
      number(points[0]![1], 0),
      number(median(points.map(([, mb]) => mb)), 0),
      number(points.at(-1)![1], 0),
      number(peakMb, 0),
    ]),
    notes: [],
  };
  return { name: 'memory', tables: [table], verdicts, raw: curves };
}

async function curvesOf(length: string, path: string, seconds: number): Promise<Curve[]> {
  await using services = await Services.start({ path });
  await services.live();
  const port = Number(new URL(services.url).port);
  const watch = (viewers: number, stream: string) =>
    Viewers.watch({ port, path: stream, viewers, framing: 'chunks' });
  // One frame a second each: what is asked for is memory by viewers, not this machine's throughput.
  await using _many = await watch(VIEWERS - 1, '/stream?fps=1');
  // And one who takes all, or only those frames would be encoded at which one of the others is due.
  await using _one = await watch(1, '/stream');
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
    if (at >= seconds) return [...curves.values()];
  }
}
