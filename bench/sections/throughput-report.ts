import { cpuPerFrame, fps, type Run } from '../contenders/run.ts';
import { barChart } from '../plot.ts';
import { number, type Table, type Verdict, writeResult } from '../report.ts';
import { median, spread } from '../statistics.ts';
import type { Contender } from './throughput.ts';

/** JPEGs of two contenders count as of equal quality if their sizes differ by at most this share. */
const SIZE_TOLERANCE = 0.05;
/** The table marks a run as noisy if other programs took more than this share of the machine. */
const NOISY = 0.1;

export function throughputTable(group: string, frames: number, contenders: Contender[]): Table {
  const own = contenders[0]!;
  return {
    title: `Throughput, ${group}, ${own.runs.length} rounds of ${frames} frames, unpaced, none lost`,
    columns: [
      '',
      'fps',
      'min–max',
      'ours ×',
      'CPU ms a frame',
      'min–max',
      'ours ×',
      'peak MB',
      'JPEG kB',
      'setting',
      'others’ CPU',
    ],
    rows: contenders.map(contender => {
      const { runs, name, jpegBytes, setting } = contender;
      const [rate, cost] = [spread(runs.map(fps)), spread(runs.map(cpuPerFrame))];
      const others = median(runs.map(run => run.others));
      return [
        name,
        number(rate.median),
        `${number(rate.min)}–${number(rate.max)}`,
        ratio(own, contender, fps),
        number(cost.median),
        `${number(cost.min)}–${number(cost.max)}`,
        ratio(own, contender, cpuPerFrame),
        Object.values(peaks(runs))
          .map(mb => number(mb, 0))
          .join(' + '),
        number(jpegBytes / 1000, 0),
        setting,
        `${number(100 * others, 0)} %${others > NOISY ? ' (noisy)' : ''}`,
      ];
    }),
    notes: [
      '“ours ×”: our figure over theirs, the median of the rounds’ own ratios.',
      ...contenders.slice(1).map(contender => sizeNote(own, contender)),
    ],
  };
}

function sizeNote(own: Contender, { name, jpegBytes }: Contender): string {
  const off = jpegBytes / own.jpegBytes - 1;
  const quality = Math.abs(off) <= SIZE_TOLERANCE ? 'equal quality' : 'NOT of equal quality';
  return `${quality}: ${name}’s JPEGs are ${number(100 * Math.abs(off))} % ${off < 0 ? 'smaller' : 'larger'} than ours`;
}

function peaks(runs: Run[]): Record<string, number> {
  return Object.fromEntries(
    Object.keys(runs[0]!.peakMb).map(name => [name, Math.max(...runs.map(run => run.peakMb[name]!))]),
  );
}

/** Returns the median of the rounds' ratios: our figure over theirs in the same round. */
function pairwise(own: Contender, other: Contender, figure: (run: Run) => number): number {
  return median(own.runs.map((run, i) => figure(run) / figure(other.runs[i]!)));
}

function ratio(own: Contender, other: Contender, figure: (run: Run) => number): string {
  return own === other ? '' : number(pairwise(own, other, figure), 2);
}

/** Which threads do which work; their names are the kernel's. */
const WORK: [stage: string, process: string, thread: RegExp][] = [
  ['assemble, publish: playback’s main thread', 'playback', /^main/],
  ['wire 1 out: playback’s ZeroMQ', 'playback', /^ZMQ/],
  ['wire 1 in, wire 2 out: redactor’s ZeroMQ', 'redactor', /^ZMQ/],
  ['mask: redactor’s main thread', 'redactor', /^main/],
  ['wire 2 in: visualizer’s ZeroMQ', 'visualizer', /^ZMQ/],
  ['hand over: visualizer’s main thread', 'visualizer', /^main/],
  ['encode: visualizer’s thread pool', 'visualizer', /^(libuv|node)/],
  ['garbage collection of all three', '', /^V8/],
];

export function whereCpuGoes(group: string, { runs }: Contender, decoding: Run[]): Table {
  const row = (label: string, figure: (run: Run, round: number) => number, of = runs) => {
    const { median: middle, min, max } = spread(of.map((run, round) => figure(run, round) / run.frames));
    return [label, number(middle, 2), `${number(min, 2)}–${number(max, 2)}`];
  };
  const byThread = (process: string, thread: RegExp) => (run: Run) =>
    Object.entries(run.cpuByThread).reduce((total, [key, ms]) => {
      const [owner, name] = key.split(/ (.*)/);
      return (process === '' || owner === process) && thread.test(name!) ? total + ms : total;
    }, 0);
  return {
    title: `Where our CPU goes, ${group}`,
    columns: ['', 'ms a frame', 'min–max'],
    rows: [
      ...Object.keys(runs[0]!.cpuByProcess).map(name =>
        row(`process ${name}`, run => run.cpuByProcess[name]!),
      ),
      row('decode: an ffmpeg that does nothing else', run => run.cpuMs, decoding),
      row(
        'convert, write: the rest of our ffmpeg',
        (run, round) => run.cpuByProcess['ffmpeg']! - decoding[round]!.cpuMs,
      ),
      ...WORK.map(([label, process, thread]) => row(label, byThread(process, thread))),
    ],
    notes: ['The fan-out has a section of its own.'],
  };
}

export function judge(group: string, contenders: Contender[]): Verdict[] {
  const own = contenders[0]!;
  return contenders.flatMap(other => {
    const { target } = other;
    if (!target) return [];
    const [faster, cheaper] = [pairwise(own, other, fps), pairwise(own, other, cpuPerFrame)];
    return [
      {
        what: `throughput, ${group}, over ${other.name}’s`,
        found: `${number(faster, 2)} ×`,
        target: `≥ ${target.fps} ×`,
        met: faster >= target.fps,
      },
      {
        what: `CPU a frame, ${group}, over ${other.name}’s`,
        found: `${number(cheaper, 2)} ×`,
        target: `≤ ${target.cpu} ×`,
        met: cheaper <= target.cpu,
      },
    ];
  });
}

export function writeCharts(contests: readonly { group: string; contenders: Contender[] }[]): void {
  const names = [...new Set(contests.flatMap(({ contenders }) => contenders.map(({ name }) => name)))];
  const groups = contests.map(({ group }) => group);
  const chart = (title: string, unit: string, figure: (run: Run) => number) =>
    barChart(
      title,
      unit,
      groups,
      names.map(name => ({
        name,
        values: contests.map(({ contenders }) => {
          const runs = contenders.find(contender => contender.name === name)?.runs;
          return runs && spread(runs.map(figure));
        }),
      })),
    );
  const throughput = chart('Throughput: clip to redacted JPEG', 'frames a second, more is better', fps);
  writeResult('throughput.svg', throughput);
  const cpu = chart('CPU: clip to redacted JPEG', 'CPU milliseconds a frame, less is better', cpuPerFrame);
  writeResult('cpu.svg', cpu);
}
