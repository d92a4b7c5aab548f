/**
 * `npm run bench`: measures what the README claims, against what an engineer would write instead.
 *
 *     npm run bench -- [--quick | --full] [--only throughput,latency,…] [--clips sample-1080p,hard-4K,…] [--rounds N]
 *         [--memory-minutes N]
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { SIZES, type Size, type Subject } from './clips.ts';
import { cost } from './cost.ts';
import { fanout } from './fanout.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { ffmpeg, gstreamer, type Peer } from './peers.ts';
import { printTable, type Section, writeResult } from './report.ts';
import { start } from './start.ts';
import { throughput } from './throughput.ts';
import { wire } from './wire.ts';

/** How much is measured. */
export interface Plan {
  rounds: number;
  throughput: [subject: Subject, size: Size, frames: number][];
  peers: Peer[];
  latencySeconds: number;
  viewers: number[];
  fanoutRounds: number;
  fanoutSeconds: number;
  memorySeconds: number;
  cost: [size: Size, fps: number, viewers: number][];
  costSeconds: number;
}

const SECTIONS: Record<string, (plan: Plan) => Promise<Section>> = {
  throughput,
  wire,
  latency,
  fanout,
  start,
  cost,
  memory,
};

const CLIPS = ['sample', 'hard'].flatMap(subject => Object.keys(SIZES).map(size => `${subject}-${size}`));

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(SECTIONS).join(',') },
    rounds: { type: 'string' },
    clips: { type: 'string' },
    'memory-minutes': { type: 'string' },
  },
});
const names = options.only.split(',');
const unknown = [
  ...choose('--only', names, Object.keys(SECTIONS)),
  ...choose('--clips', options.clips?.split(',') ?? [], CLIPS),
];
if (unknown.length > 0) {
  for (const line of unknown) console.error(line);
  process.exitCode = 2;
} else {
  await measure();
}

function choose(option: string, given: string[], known: string[]): string[] {
  const strange = given.filter(name => !known.includes(name));
  return strange.length === 0 ? [] : [`${option} ${strange.join(',')}: choose from ${known.join(',')}`];
}

async function measure(): Promise<void> {
  const missing = [ffmpeg, gstreamer].filter(peer => peer.missing !== undefined);
  for (const peer of missing) console.log(`MISSING, so not compared with: ${peer.missing}`);
  const plan = planOf([ffmpeg, gstreamer].filter(peer => peer.missing === undefined));
  const machine = {
    date: new Date().toISOString(),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    processor: cpus()[0]?.model,
    processors: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    loadBefore: loadavg(),
    missing: missing.map(peer => peer.missing),
  };
  console.log(
    `${machine.processors} × ${machine.processor}, load ${machine.loadBefore.map(load => load.toFixed(1)).join(' ')}`,
  );
  const sections: Section[] = [];
  for (const name of names) {
    const section = await SECTIONS[name]!(plan);
    for (const table of section.tables) printTable(table);
    sections.push(section);
    writeResult('results.json', `${JSON.stringify({ machine, sections }, null, 2)}\n`);
  }
  printTable({
    title: 'Summary',
    columns: ['', 'found', 'target', ''],
    rows: sections.flatMap(({ verdicts }) =>
      verdicts.map(({ what, found, target, met }) => [
        what,
        found,
        target,
        met === undefined ? '' : met ? 'met' : 'NOT met',
      ]),
    ),
    notes: ['build/bench/ holds all of it: results.json and the plots'],
  });
}

function planOf(peers: Peer[]): Plan {
  const { quick, full } = options;
  const frames = quick ? 300 : 900;
  const minutes = options['memory-minutes'];
  const contests = options.clips?.split(',') ?? (quick ? ['sample-1080p'] : CLIPS);
  return {
    rounds: Number(options.rounds ?? (quick ? 3 : 5)),
    peers,
    throughput: contests.map(name => {
      const [subject, size] = name.split('-') as [Subject, Size];
      return [subject, size, size === '4K' ? frames / 3 : frames];
    }),
    latencySeconds: quick ? 10 : 30,
    viewers: quick ? [1, 50] : [1, 10, 50, 100, 200],
    fanoutRounds: quick ? 1 : 5,
    fanoutSeconds: quick ? 3 : 5,
    memorySeconds: minutes === undefined ? (full ? 1800 : quick ? 20 : 60) : 60 * Number(minutes),
    cost: quick
      ? [
          ['720p', 30, 1],
          ['1080p', 10, 1],
          ['1080p', 30, 1],
          ['1080p', 30, 50],
        ]
      : (['720p', '1080p', '4K'] as const).flatMap(size =>
          [10, 30].flatMap(fps =>
            [0, 1, 10, 50].map((viewers): [Size, number, number] => [size, fps, viewers]),
          ),
        ),
    costSeconds: quick ? 4 : 8,
  };
}
