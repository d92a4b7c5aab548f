import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { memoryLimit } from './memory.ts';

/** Where a control group has what it uses, and which of it the kernel can drop; by the group's name in /proc/self/cgroup. */
const GROUPS = [
  { line: /^0::(\/.*)$/m, tree: '/sys/fs/cgroup', used: 'memory.current', cache: /^inactive_file (\d+)$/m },
  {
    line: /^\d+:memory:(\/.*)$/m,
    tree: '/sys/fs/cgroup/memory',
    used: 'memory.usage_in_bytes',
    cache: /^total_inactive_file (\d+)$/m,
  },
];

/**
 * Returns the bytes that count against this service's limit: those of its container, ffmpeg's among them, without files
 * that the kernel can drop. Where no limit is set, those of this process. NaN if it cannot be read, e.g. because no file
 * descriptor is left. Cost: 0.1 ms.
 */
export function memoryUsed(): number {
  return (memoryLimit() < totalmem() ? usedByGroup() : undefined) ?? residentBytes();
}

function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return Number.NaN;
  }
}

function usedByGroup(): number | undefined {
  try {
    const groups = readFileSync('/proc/self/cgroup', 'latin1');
    for (const { line, tree, used, cache } of GROUPS) {
      const path = line.exec(groups)?.[1];
      if (path === undefined) continue;
      // A container may see its own group as the root of the tree, whatever the name is.
      for (const folder of [`${tree}${path}`, tree]) {
        const bytes = numberIn(`${folder}/${used}`, /^(\d+)/);
        if (bytes !== undefined) return bytes - (numberIn(`${folder}/memory.stat`, cache) ?? 0);
      }
    }
  } catch {
    // A system without control groups.
  }
  return undefined;
}

function numberIn(path: string, pattern: RegExp): number | undefined {
  try {
    const [, digits] = pattern.exec(readFileSync(path, 'latin1')) ?? [];
    return digits === undefined ? undefined : Number(digits);
  } catch {
    return undefined;
  }
}
