import { type ChildProcess, fork } from 'node:child_process';
import type { WireFormat } from '../../apps/common/pixels.ts';
import { freePorts } from '../../tests/support/ports.ts';
import { childrenOf } from '../../tests/support/processes.ts';
import { until } from '../../tests/support/until.ts';
import { endPart, message, PATIENCE_MS, roundLimitMs } from '../part.ts';
import { machineBusyMs, type Usage, usage, Watch } from '../proc.ts';
import { othersShare, type Run } from './run.ts';
import type { Account, StageTask } from './stage.ts';

export interface ChainOptions {
  path: string;
  frames: number;
  format: WireFormat;
  borderPx: number;
  quality: number;
}

const STAGES = ['playback', 'redactor', 'visualizer'] as const;

/** Runs the whole chain, unpaced and without loss, from the decoder's start to the last JPEG. */
export async function runChain({ path, frames, format, borderPx, quality }: ChainOptions): Promise<Run> {
  const [first, second] = (await freePorts(2)) as [number, number];
  const tasks: StageTask[] = [
    { stage: 'playback', port: first, path, format, frames },
    { stage: 'redactor', from: first, port: second, borderPx },
    { stage: 'visualizer', from: second, quality, frames },
  ];
  const stages = tasks.map(task => fork(new URL('./stage.ts', import.meta.url), [JSON.stringify(task)]));
  try {
    await Promise.all(stages.map(stage => message(stage)));
    const pids = stages.map(stage => stage.pid!);
    const before = pids.map(pid => usage(pid)!);
    using decoders = new Watch(() => childrenOf(pids[0]!), 50);
    const busyBefore = machineBusyMs();
    const startMs = performance.now();
    const account = await accountOf(stages, frames);
    const seconds = (performance.now() - startMs) / 1000;
    // The kernel adds a decoder's time to playback's account when playback has waited for it, a moment after its end.
    const isAccounted = () =>
      childrenOf(pids[0]!).length === 0 && (usage(pids[0]!)?.reapedMs ?? 0) > before[0]!.reapedMs;
    await until(isAccounted, 'the end of the decoder, which ends with the clip', PATIENCE_MS);
    const after = pids.map(pid => usage(pid)!);
    const busyMs = machineBusyMs() - busyBefore;
    const spent = addUp(before, after, decoders);
    return {
      ...spent,
      frames: account.frames,
      // A frame that is missing in the sequence nearly always never arrived.
      lost: Math.max(account.missed + account.refused, frames - account.frames),
      seconds,
      jpegBytes: account.jpegBytes,
      others: othersShare(busyMs, spent.cpuMs, seconds),
    };
  } finally {
    await Promise.all(stages.map(endPart));
  }
}

/** Lets the stages start and returns what the last of them reports at its last frame. */
async function accountOf(stages: ChildProcess[], frames: number): Promise<Account> {
  const account = message<Account>(stages.at(-1)!, {
    beside: stages.slice(0, -1),
    patienceMs: roundLimitMs(frames),
  });
  for (const stage of stages) stage.send('go');
  return await account;
}

type Spent = Pick<Run, 'cpuMs' | 'cpuByProcess' | 'cpuByThread' | 'peakMb'>;

/** Returns what the three stages and playback's decoders used between two moments. */
function addUp(before: Usage[], after: Usage[], decoders: Watch): Spent {
  const spent: Spent = { cpuMs: 0, cpuByProcess: {}, cpuByThread: {}, peakMb: {} };
  const add = (name: string, cpuMs: number, peakKb: number, threads: Iterable<[string, number]>) => {
    spent.cpuByProcess[name] = (spent.cpuByProcess[name] ?? 0) + cpuMs;
    spent.cpuMs += cpuMs;
    spent.peakMb[name] = Math.max(spent.peakMb[name] ?? 0, peakKb / 1024);
    for (const [thread, ms] of threads) {
      const key = `${name} ${thread}`;
      spent.cpuByThread[key] = (spent.cpuByThread[key] ?? 0) + ms;
    }
  };
  for (const [i, name] of STAGES.entries()) {
    const threads = [...after[i]!.threads].map(([thread, ms]): [string, number] => [
      thread,
      ms - (before[i]!.threads.get(thread) ?? 0),
    ]);
    add(name, after[i]!.cpuMs - before[i]!.cpuMs, after[i]!.peakKb, threads);
  }
  for (const { peakKb, threads } of decoders.seen.values()) add('ffmpeg', 0, peakKb, threads);
  add('ffmpeg', after[0]!.reapedMs - before[0]!.reapedMs, 0, []);
  return spent;
}
