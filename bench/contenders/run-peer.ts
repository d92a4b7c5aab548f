import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { childrenOf } from '../../tests/support/processes.ts';
import { endDescendants } from '../descendants.ts';
import { roundLimitMs } from '../part.ts';
import { machineBusyMs, Watch } from '../proc.ts';
import { sum } from '../statistics.ts';
import type { Peer } from './peers.ts';
import { othersShare, type Run } from './run.ts';

/** Runs a peer over a clip of this many frames. */
export async function runPeer(
  peer: Peer,
  path: string,
  frames: number,
  borderPx: number,
  quality: number,
): Promise<Run> {
  const command = peer.command(path, borderPx, quality, '/dev/null');
  const busyBefore = machineBusyMs();
  const startMs = performance.now();
  // A shell with one child: `times` reports that child's CPU to its very end.
  const child = spawn('sh', ['-c', '"$@"; code=$?; times >&3; exit $code', 'sh', ...command], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  let times = '';
  child.stdio[3]!.on('data', chunk => {
    times += chunk;
  });
  using seen = new Watch(() => childrenOf(child.pid!), 50);
  const limitMs = roundLimitMs(frames);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    endDescendants(child.pid!);
  }, limitMs);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  if (late) throw new Error(`${peer.name} did not end within ${limitMs / 1000} s: ${command.join(' ')}`);
  const seconds = (performance.now() - startMs) / 1000;
  const busyMs = machineBusyMs() - busyBefore;
  if (code !== 0) throw new Error(`${peer.name} ended with ${code}: ${command.join(' ')}`);
  const cpuMs = cpuOf(times);
  const peakKb = Math.max(0, ...[...seen.seen.values()].map(usage => usage.peakKb));
  return {
    frames,
    lost: 0,
    seconds,
    jpegBytes: Number.NaN,
    cpuMs,
    cpuByProcess: { [peer.name]: cpuMs },
    cpuByThread: {},
    peakMb: { [peer.name]: peakKb / 1024 },
    others: othersShare(busyMs, cpuMs, seconds),
  };
}

/** Returns the children's CPU milliseconds in what the shell's `times` printed: user and system, as in `0m1.234s`. */
function cpuOf(times: string): number {
  const [, children = ''] = times.split('\n');
  return sum(
    [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
      ([, minutes, seconds]) => 60_000 * Number(minutes) + 1000 * Number(seconds),
    ),
  );
}
