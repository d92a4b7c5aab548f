import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf } from '../../tests/support/processes.ts';

/** What one service, or all of its ffmpeg processes together, holds. */
export interface Held {
  residentMb: number;
  /** Memory that is its own and no file's. */
  anonymousMb: number;
  /** Its share of what it has together with others. */
  proportionalMb: number;
  descriptors: number;
}

const KB_IN_MB = 1024;

/** Returns what these processes hold; one that has just ended holds nothing. */
export function held(pids: readonly number[]): Held {
  const total: Held = { residentMb: 0, anonymousMb: 0, proportionalMb: 0, descriptors: 0 };
  for (const pid of pids) {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
      const mb = (field: string) =>
        Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(rollup)?.[1] ?? 0) / KB_IN_MB;
      total.residentMb += mb('Rss');
      total.anonymousMb += mb('Anonymous');
      total.proportionalMb += mb('Pss');
      total.descriptors += readdirSync(`/proc/${pid}/fd`).length;
    } catch {
      // It has ended.
    }
  }
  return total;
}

/** Returns the processes that playback decodes and probes with. */
export function decodersOf(playback: number): number[] {
  return childrenOf(playback);
}
