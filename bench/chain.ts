import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireFormat } from '../apps/common/pixels.ts';
import { endPart, message, PATIENCE_MS, roundLimitMs } from './part.ts';
import { childrenOf, machineBusyMs, type Usage, usage, Watch } from './proc.ts';
import type { Account, StageTask } from './stage.ts';

export interface ChainOptions {
  path: string;
  frames: number;
  format: WireFormat;
  borderPx: number;
  quality: number;
  /** Flags for the three Node processes. */
  execArgv?: string[];
}

/** One contender's run to its end. */
export interface Run {
  frames: number;
  /** Frames that were lost on the way; anything but 0 spoils the run. */
  lost: number;
  seconds: number;
  jpegBytes: number;
  /** CPU milliseconds in all, and by process, and by process and thread. */
  cpuMs: number;
  cpuByProcess: Record<string, number>;
  cpuByThread: Record<string, number>;
  peakMb: Record<string, number>;
  /** Share of the machine's CPU time that went to others meanwhile: above some 0.1 the seconds mean little. */
  others: number;
}

const STAGES = ['playback', 'redactor', 'visualizer'] as const;

/** Runs the whole chain, unpaced and lossless, from the decoder's start to the last JPEG. */
export async function runChain({
  path,
  frames,
  format,
  borderPx,
  quality,
  execArgv,
}: ChainOptions): Promise<Run> {
  const [first, second] = [await freePort(), await freePort()];
  const tasks: StageTask[] = [
    { stage: 'playback', port: first, path, format, frames },
    { stage: 'redactor', from: first, port: second, borderPx },
    { stage: 'visualizer', from: second, quality, frames },
  ];
  const stages = tasks.map(task =>
    fork(new URL('./stage.ts', import.meta.url), [JSON.stringify(task)], { execArgv: execArgv ?? [] }),
  );
  try {
    await Promise.all(stages.map(stage => message(stage)));
    const pids = stages.map(stage => stage.pid!);
    const before = pids.map(pid => usage(pid)!);
    using decoders = new Watch(() => childrenOf(pids[0]!), 50);
    const account = message<Account>(stages[2]!, {
      beside: stages.slice(0, 2),
      patienceMs: roundLimitMs(frames),
    });
    const busyBefore = machineBusyMs();
    const startMs = performance.now();
    for (const stage of stages) stage.send('go');
    const { frames: encoded, missed, refused, jpegBytes } = await account;
    const seconds = (performance.now() - startMs) / 1000;
    // Until it has been waited for, a decoder that has just ended is in nobody's account.
    const deadline = performance.now() + PATIENCE_MS;
    while (childrenOf(pids[0]!).length > 0) {
      if (performance.now() > deadline) throw new Error('playback’s decoder did not end with the clip');
      await sleep(5);
    }
    const after = pids.map(pid => usage(pid)!);
    const busyMs = machineBusyMs() - busyBefore;
    const run: Run = {
      frames: encoded,
      // One that is missing in the sequence is nearly always one that did not come at all.
      lost: Math.max(missed + refused, frames - encoded),
      seconds,
      jpegBytes,
      cpuMs: 0,
      cpuByProcess: {},
      cpuByThread: {},
      peakMb: {},
      others: 0,
    };
    const add = (name: string, cpuMs: number, peakKb: number, threads: Iterable<[string, number]>) => {
      run.cpuByProcess[name] = (run.cpuByProcess[name] ?? 0) + cpuMs;
      run.cpuMs += cpuMs;
      run.peakMb[name] = Math.max(run.peakMb[name] ?? 0, peakKb / 1024);
      for (const [thread, ms] of threads) {
        const key = `${name} ${thread}`;
        run.cpuByThread[key] = (run.cpuByThread[key] ?? 0) + ms;
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
    run.others = Math.max(0, busyMs - run.cpuMs) / (seconds * 1000 * processors);
    return run;
  } finally {
    await Promise.all(stages.map(endPart));
  }
}

export const processors = (await import('node:os')).availableParallelism();

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export type { Usage };
