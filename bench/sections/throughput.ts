import { clip } from '../clips.ts';
import { runChain } from '../contenders/chain.ts';
import { equalQuality } from '../contenders/equal-quality.ts';
import { decoder, type Peer } from '../contenders/peers.ts';
import type { Run } from '../contenders/run.ts';
import { runPeer } from '../contenders/run-peer.ts';
import { type Plan, turnOf } from '../plan.ts';
import type { Section, Verdict } from '../report.ts';
import { judge, throughputTable, whereCpuGoes, writeCharts } from './throughput-report.ts';

const BORDER_PX = 100;

/** We or a peer, at the setting of equal quality, with the runs so far. */
export interface Contender {
  name: string;
  jpegBytes: number;
  setting: string;
  target: Peer['target'];
  run(): Promise<Run>;
  runs: Run[];
}

/** Runs the whole chain to the encoded JPEG against its alternatives, which take turns. */
export async function* throughput(plan: Plan): Section {
  const verdicts: Verdict[] = [];
  const raw: object[] = [];
  const contests: { group: string; contenders: Contender[] }[] = [];
  for (const [subject, size, frames] of plan.throughput) {
    const group = `${subject} ${size}`;
    yield `throughput, ${group}: looking for settings of equal quality`;
    const path = await clip(subject, size, frames);
    const contenders = await contendersFor(path, frames, plan.peers);
    const decoding: Run[] = [];
    for (let round = -1; round < plan.rounds; round += 1) {
      yield `throughput, ${group}: ${turnOf(round, plan)}, ${frames} frames each`;
      for (const contender of inTurn(contenders, round)) {
        const run = await contender.run();
        if (run.lost > 0) throw new Error(`${contender.name} lost ${run.lost} of ${frames} frames`);
        if (round >= 0) contender.runs.push(run);
      }
      if (round >= 0) decoding.push(await runPeer(decoder, path, frames, BORDER_PX, 0));
    }
    yield throughputTable(group, frames, contenders);
    yield whereCpuGoes(group, contenders[0]!, decoding);
    verdicts.push(...judge(group, contenders));
    contests.push({ group, contenders });
    raw.push({ subject, size, frames, contenders: contenders.map(({ run: _, ...rest }) => rest) });
  }
  writeCharts(contests);
  return { verdicts, raw };
}

/** Each goes first in turn. Round −1 warms up the page cache and the processor. */
function inTurn<T>(all: readonly T[], round: number): T[] {
  return all.map((_, i) => all[(i + Math.max(0, round)) % all.length]!);
}

async function contendersFor(path: string, frames: number, peers: readonly Peer[]): Promise<Contender[]> {
  const { own, others } = await equalQuality(path, BORDER_PX, peers);
  return [
    {
      name: 'noaa-pod',
      jpegBytes: own.bytes,
      setting: `quality ${own.quality}`,
      target: undefined,
      run: () => runChain({ path, frames, format: 'i420', borderPx: BORDER_PX, quality: own.quality }),
      runs: [],
    },
    ...[...others].map(([peer, { quality, bytes }]) => ({
      name: peer.name,
      jpegBytes: bytes,
      setting: peer.setting(quality),
      target: peer.target,
      run: () => runPeer(peer, path, frames, BORDER_PX, quality),
      runs: [],
    })),
  ];
}
