import { availableParallelism } from 'node:os';

export const processors = availableParallelism();

/** One contender's run over a clip, from start to end. */
export interface Run {
  frames: number;
  /** Frames that were lost on the way. A run with any is void. */
  lost: number;
  seconds: number;
  jpegBytes: number;
  /** CPU milliseconds in all, by process, and by process and thread. */
  cpuMs: number;
  cpuByProcess: Record<string, number>;
  cpuByThread: Record<string, number>;
  peakMb: Record<string, number>;
  /** Share of the machine's CPU time that other programs used meanwhile. Above 0.1 the seconds mean little. */
  others: number;
}

/** Returns the share of the machine that other programs used while a run took `cpuMs` of the `busyMs` in all. */
export function othersShare(busyMs: number, cpuMs: number, seconds: number): number {
  return Math.max(0, busyMs - cpuMs) / (seconds * 1000 * processors);
}

export const fps = (run: Run) => run.frames / run.seconds;
export const cpuPerFrame = (run: Run) => run.cpuMs / run.frames;
