/** What the kernel knows of processes (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

interface Process {
  pid: number;
  name: string;
  state: string;
  parent: number;
  group: number;
}

function look(pid: number | string): Process | undefined {
  try {
    const [, name = '', state = '', parent, group] =
      /\((.*)\) (\w) (\d+) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
    return { pid: Number(pid), name, state, parent: Number(parent), group: Number(group) };
  } catch {
    return undefined;
  }
}

/** Returns the processes that run, without those that have ended and were not waited for. */
function living(): Process[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .map(look)
    .filter(found => found !== undefined && found.state !== 'Z') as Process[];
}

/** Returns the living children of a process, or those that go by a name. */
export function childrenOf(parent: number, name?: string): number[] {
  return living()
    .filter(one => one.parent === parent && (name === undefined || one.name === name))
    .map(({ pid }) => pid);
}

/** Returns the living members of a process group. */
export function membersOf(group: number): number[] {
  return living()
    .filter(one => one.group === group)
    .map(({ pid }) => pid);
}

/** Returns a process's command line, its words joined by spaces. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

export function isAlive(pid: number): boolean {
  const found = look(pid);
  return found !== undefined && found.state !== 'Z';
}
