import { WIRE_FORMATS } from '../../apps/common/pixels.ts';
import { clip } from '../clips.ts';
import { runChain } from '../contenders/chain.ts';
import { cpuPerFrame, fps, type Run } from '../contenders/run.ts';
import { type Plan, turnOf } from '../plan.ts';
import { number, type Section } from '../report.ts';
import { median, spread } from '../statistics.ts';

/** Runs the whole chain with each of the three wire formats, in turn. */
export async function* wire(plan: Plan): Section {
  const path = await clip('sample', '1080p', 300);
  const runs = new Map(WIRE_FORMATS.map(format => [format, [] as Run[]]));
  for (let round = -1; round < plan.rounds; round += 1) {
    yield `wire: ${turnOf(round, plan)}`;
    for (const format of WIRE_FORMATS) {
      const run = await runChain({ path, frames: 300, format, borderPx: 100, quality: 85 });
      if (run.lost > 0) throw new Error(`${run.lost} frames were lost as ${format}`);
      if (round >= 0) runs.get(format)!.push(run);
    }
  }
  const first = runs.get('i420')!;
  const names = Object.keys(first[0]!.cpuByProcess);
  yield {
    title: `Wire formats, sample 1080p, ${plan.rounds} rounds of 300 frames, unpaced, none lost: CPU ms a frame`,
    columns: ['', 'in all', 'min–max', '× i420', ...names, 'fps'],
    rows: [...runs].map(([format, own]) => {
      const { median: middle, min, max } = spread(own.map(cpuPerFrame));
      return [
        format,
        number(middle),
        `${number(min)}–${number(max)}`,
        number(median(own.map((run, i) => cpuPerFrame(run) / cpuPerFrame(first[i]!))), 2),
        ...names.map(name => number(median(own.map(run => run.cpuByProcess[name]! / run.frames)))),
        number(median(own.map(fps))),
      ];
    }),
    notes: [],
  };
  return { verdicts: [], raw: Object.fromEntries(runs) };
}
