/** What the kernel tells of processes. */
import { readdirSync, readFileSync } from 'node:fs';

/** State and parent of a process; undefined where there is none. */
function look(pid: number | string): { name: string; state: string; parent: number } | undefined {
  try {
    const [, name = '', state = '', parent] =
      /\((.*)\) (\w) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
    return { name, state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** The living children of a process that go by a name. */
export function childrenOf(parent: number, name: string): number[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .filter(pid => {
      const found = look(pid);
      return found?.parent === parent && found.name === name && found.state !== 'Z';
    })
    .map(Number);
}

export function isAlive(pid: number): boolean {
  const found = look(pid);
  return found !== undefined && found.state !== 'Z';
}
