import { readdirSync, readFileSync } from 'node:fs';

/** The kernel counts CPU time in hundredths of a second, on every Linux that Node runs on. */
const TICK_MS = 10;

/** CPU milliseconds of a process: user and system. */
export interface Usage {
  cpuMs: number;
  /** Of children that have ended and been waited for. */
  reapedMs: number;
  /** Largest resident set so far, kB. */
  peakKb: number;
  residentKb: number;
  /** CPU milliseconds by thread name. */
  threads: Map<string, number>;
}

/** Returns what a process has used; undefined once it has ended. */
export function usage(pid: number): Usage | undefined {
  try {
    const fields = stat(`/proc/${pid}/stat`).fields;
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const threads = new Map<string, number>();
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      try {
        const { name, fields: own } = stat(`/proc/${pid}/task/${tid}/stat`);
        const label = Number(tid) === pid ? 'main' : name;
        threads.set(label, (threads.get(label) ?? 0) + (Number(own[11]) + Number(own[12])) * TICK_MS);
      } catch {
        // It ended after it was listed.
      }
    }
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      reapedMs: (Number(fields[13]) + Number(fields[14])) * TICK_MS,
      peakKb: Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0),
      residentKb: Number(/VmRSS:\s*(\d+)/.exec(status)?.[1] ?? 0),
      threads,
    };
  } catch {
    return undefined;
  }
}

/** Name and the fields from `state` on: a name may hold spaces and brackets. */
function stat(path: string): { name: string; fields: string[] } {
  const text = readFileSync(path, 'latin1');
  const end = text.lastIndexOf(')');
  return { name: text.slice(text.indexOf('(') + 1, end), fields: text.slice(end + 2).split(' ') };
}

/** Returns the CPU milliseconds that the machine has worked, all processors together. */
export function machineBusyMs(): number {
  const [, user, nice, system, , , irq, soft, steal] = readFileSync('/proc/stat', 'latin1')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .map(Number);
  return (user! + nice! + system! + irq! + soft! + steal!) * TICK_MS;
}

/** Remembers the threads and the peak of processes that end at a time of their own, as last seen. */
export class Watch implements Disposable {
  readonly seen = new Map<number, Usage>();
  readonly #timer: NodeJS.Timeout;

  /** @param pids returns the processes to look at; called each time */
  constructor(pids: () => number[], everyMs = 100) {
    this.#timer = setInterval(() => {
      for (const pid of pids()) {
        const now = usage(pid);
        if (now && now.peakKb > 0) this.seen.set(pid, now);
      }
    }, everyMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
