/** A control group with a limit of memory, as a container has one. Needs root. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { until } from './until.ts';

const ROOT = '/sys/fs/cgroup';
/** Of version 2 there is one tree; version 1 has one for memory alone. */
const [TREE, LIMIT] = existsSync(`${ROOT}/memory`)
  ? [`${ROOT}/memory`, 'memory.limit_in_bytes']
  : [ROOT, 'memory.max'];

export interface MemoryGroup extends AsyncDisposable {
  /** The words that start a command in the group. */
  enter: string[];
  /** Whether the kernel has killed a process of the group for memory. */
  killed(): Promise<boolean>;
}

export async function memoryGroup(bytes: number): Promise<MemoryGroup> {
  const path = `${TREE}/noaa-test-${process.pid}-${Math.round(performance.now())}`;
  await mkdir(path);
  await writeFile(`${path}/${LIMIT}`, String(bytes));
  const events = existsSync(`${path}/memory.events`) ? 'memory.events' : 'memory.oom_control';
  return {
    enter: ['sh', '-c', `echo $$ >${path}/cgroup.procs && exec "$@"`, 'enter'],
    async killed() {
      const count = /^oom_kill (\d+)$/m.exec(await readFile(`${path}/${events}`, 'utf8'))?.[1];
      return Number(count) > 0;
    },
    // A child of what was killed may take a moment longer.
    [Symbol.asyncDispose]: async () => {
      await until(() => rmdir(path).then(() => true), 'the group to be empty');
    },
  };
}
