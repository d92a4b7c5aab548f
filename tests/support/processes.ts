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

function isLiving(found: Process | undefined): found is Process {
  return found !== undefined && found.state !== 'Z';
}

/** Returns the living children of a process, or those that go by a name. Cheap enough for a benchmark to ask often. */
export function childrenOf(parent: number, name?: string): number[] {
  return listedChildren(parent)
    .map(look)
    .filter(isLiving)
    .filter(one => name === undefined || one.name === name)
    .map(({ pid }) => pid);
}

function listedChildren(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap(tid =>
      readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1').split(' ').filter(Boolean),
    );
  } catch {
    // The process, or one of its threads, has ended.
    return [];
  }
}

/** Returns the living members of a process group. */
export function membersOf(group: number): number[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .map(look)
    .filter(isLiving)
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
  return isLiving(look(pid));
}
