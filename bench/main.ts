/**
 * `npm run bench`: measures what the README claims, against what an engineer would write instead.
 *
 *     npm run bench -- [--quick | --full] [--only throughput,latency,…] [--rounds N]
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { Size, Subject } from './clips.ts';
import { ffmpeg, gstreamer, type Peer } from './peers.ts';
import { printTable, type Section, writeResult } from './report.ts';
import { throughput } from './throughput.ts';

/** How much is measured. */
export interface Plan {
  rounds: number;
  throughput: [subject: Subject, size: Size, frames: number][];
  peers: Peer[];
}

const SECTIONS: Record<string, (plan: Plan) => Promise<Section>> = { throughput };

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(SECTIONS).join(',') },
    rounds: { type: 'string' },
  },
});
const names = options.only.split(',');
const unknown = names.filter(name => !(name in SECTIONS));
if (unknown.length > 0) {
  console.error(
    `--only ${unknown.join(',')}: there is no such section; there are ${Object.keys(SECTIONS).join(', ')}`,
  );
  process.exitCode = 2;
} else {
  await measure();
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
  const rounds = Number(options.rounds ?? (options.quick ? 3 : 5));
  if (options.quick) return { rounds, peers, throughput: [['sample', '1080p', 300]] };
  const frames = options.full ? 900 : 300;
  return {
    rounds,
    peers,
    throughput: (['sample', 'hard'] as const).flatMap(subject =>
      (['720p', '1080p', '4K'] as const).map((size): [Subject, Size, number] => [
        subject,
        size,
        size === '4K' ? Math.round(frames / 2) : frames,
      ]),
    ),
  };
}
