import { type Run, runChain } from './chain.ts';
import { clip, type Size, type Subject } from './clips.ts';
import { decoder, ffmpeg, ownJpegBytes, type Peer, peerJpegBytes, runPeer } from './peers.ts';
import { type Plan, turnOf } from './plan.ts';
import { barChart } from './plot.ts';
import { number, type Section, type Table, type Verdict, writeResult } from './report.ts';
import { median, spread } from './statistics.ts';

const BORDER_PX = 100;
const DEFAULT_QUALITY = 85;
/** JPEGs of two contenders count as of equal quality within this share of their size. */
const SIZE_TOLERANCE = 0.05;
/** A run while others took more than this share of the machine is marked in the table. */
const NOISY = 0.1;

interface Contender {
  name: string;
  jpegBytes: number;
  setting: string;
  target: Peer['target'];
  run(): Promise<Run>;
  runs: Run[];
}

/** The whole chain to the encoded JPEG against the two tightest alternatives, turn by turn. */
export async function* throughput(plan: Plan): Section {
  const verdicts: Verdict[] = [];
  const raw: object[] = [];
  const charts: { group: string; contenders: Contender[] }[] = [];
  for (const [subject, size, frames] of plan.throughput) {
    const group = `${subject} ${size}`;
    yield `throughput, ${group}: looking for settings of equal quality`;
    const contenders = await contest(subject, size, frames, plan.peers);
    const path = await clip(subject, size, frames);
    const decoding: Run[] = [];
    for (let round = -1; round < plan.rounds; round += 1) {
      yield `throughput, ${group}: ${turnOf(round, plan)}, ${frames} frames each`;
      // Everyone goes first in turn; round −1 warms the page cache and the processor up.
      const turn = contenders.map((_, i) => contenders[(i + Math.max(0, round)) % contenders.length]!);
      for (const contender of turn) {
        const run = await contender.run();
        if (run.lost > 0) throw new Error(`${contender.name} lost ${run.lost} of ${frames} frames`);
        if (round >= 0) contender.runs.push(run);
      }
      if (round >= 0) decoding.push(await runPeer(decoder, path, frames, BORDER_PX, 0));
    }
    yield table(group, frames, contenders);
    yield stages(group, contenders[0]!, decoding);
    verdicts.push(...judge(group, contenders));
    charts.push({ group, contenders });
    raw.push({ subject, size, frames, contenders: contenders.map(({ run: _, ...rest }) => rest) });
  }
  const names = ['noaa-pod', ...plan.peers.map(peer => peer.name)];
  const chart = (title: string, unit: string, figure: (run: Run) => number) =>
    barChart(
      title,
      unit,
      charts.map(({ group }) => group),
      names.map(name => ({
        name,
        values: charts.map(({ contenders }) => {
          const runs = contenders.find(contender => contender.name === name)?.runs;
          return runs && spread(runs.map(figure));
        }),
      })),
    );
  writeResult(
    'throughput.svg',
    chart('Throughput: clip to redacted JPEG', 'frames a second, more is better', fps),
  );
  writeResult(
    'cpu.svg',
    chart('CPU: clip to redacted JPEG', 'CPU milliseconds a frame, less is better', cpu),
  );
  return { verdicts, raw };
}

const fps = (run: Run) => run.frames / run.seconds;
const cpu = (run: Run) => run.cpuMs / run.frames;

/** Everybody at settings that give JPEGs of one size, found on the clip's first second. */
async function contest(subject: Subject, size: Size, frames: number, peers: Peer[]): Promise<Contender[]> {
  const path = await clip(subject, size, frames);
  let quality = DEFAULT_QUALITY;
  let bytes = await ownJpegBytes(path, BORDER_PX, quality);
  const settings: { peer: Peer; quality: number; bytes: number }[] = [];
  for (const peer of peers) {
    const found = await nearest(peer.qualities, bytes, setting =>
      peerJpegBytes(peer, path, BORDER_PX, setting),
    );
    settings.push({ peer, ...found });
    if (peer === ffmpeg) {
      // Its steps are coarse and ours are fine, so we come to it, and the next peer comes to us.
      const ours = Array.from({ length: 40 }, (_, i) => 98 - i);
      ({ quality, bytes } = await nearest(ours, found.bytes, setting =>
        ownJpegBytes(path, BORDER_PX, setting),
      ));
    }
  }
  return [
    {
      name: 'noaa-pod',
      jpegBytes: bytes,
      setting: `quality ${quality}`,
      target: undefined,
      run: () => runChain({ path, frames, format: 'i420', borderPx: BORDER_PX, quality }),
      runs: [],
    },
    ...settings.map(({ peer, quality: setting, bytes: peerBytes }) => ({
      name: peer.name,
      jpegBytes: peerBytes,
      setting: peer.setting(setting),
      target: peer.target,
      run: () => runPeer(peer, path, frames, BORDER_PX, setting),
      runs: [],
    })),
  ];
}

/** Of settings from the largest JPEGs to the smallest, the one whose size is nearest, by halving. */
async function nearest(
  qualities: readonly number[],
  target: number,
  sizeAt: (quality: number) => Promise<number>,
): Promise<{ quality: number; bytes: number }> {
  let [low, high] = [0, qualities.length - 1];
  const tried: { quality: number; bytes: number }[] = [];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const quality = qualities[middle]!;
    const bytes = await sizeAt(quality);
    tried.push({ quality, bytes });
    if (bytes > target) low = middle + 1;
    else high = middle - 1;
  }
  const distance = (bytes: number) => Math.abs(Math.log(bytes / target));
  return tried.reduce((best, one) => (distance(one.bytes) < distance(best.bytes) ? one : best));
}

function table(group: string, frames: number, contenders: Contender[]): Table {
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
      const [rate, cost] = [spread(runs.map(fps)), spread(runs.map(cpu))];
      const others = median(runs.map(run => run.others));
      return [
        name,
        number(rate.median),
        `${number(rate.min)}–${number(rate.max)}`,
        ratio(own, contender, fps),
        number(cost.median),
        `${number(cost.min)}–${number(cost.max)}`,
        ratio(own, contender, cpu),
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
      ...contenders.slice(1).flatMap(({ name, jpegBytes }) => {
        const off = jpegBytes / own.jpegBytes - 1;
        const word = Math.abs(off) <= SIZE_TOLERANCE ? 'equal quality' : 'NOT of equal quality';
        return `${word}: ${name}’s JPEGs are ${number(100 * off)} % ${off < 0 ? 'smaller' : 'larger'} than ours`.replace(
          '-',
          '',
        );
      }),
    ],
  };
}

function peaks(runs: Run[]): Record<string, number> {
  return Object.fromEntries(
    Object.keys(runs[0]!.peakMb).map(name => [name, Math.max(...runs.map(run => run.peakMb[name]!))]),
  );
}

/** The median over the rounds of our figure over theirs in the same round. */
function pairwise(own: Contender, other: Contender, figure: (run: Run) => number): number {
  return median(own.runs.map((run, i) => figure(run) / figure(other.runs[i]!)));
}

function ratio(own: Contender, other: Contender, figure: (run: Run) => number): string {
  return own === other ? '' : number(pairwise(own, other, figure), 2);
}

/** Whose threads do what; names as the kernel has them. */
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

function stages(group: string, { runs }: Contender, decoding: Run[]): Table {
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

function judge(group: string, contenders: Contender[]): Verdict[] {
  const own = contenders[0]!;
  return contenders.flatMap(other => {
    const { target } = other;
    if (!target) return [];
    const [faster, cheaper] = [pairwise(own, other, fps), pairwise(own, other, cpu)];
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
