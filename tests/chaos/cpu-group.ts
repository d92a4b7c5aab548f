/** A control group with a share of one processor. Needs root. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 100_000;
/** Version 2 has one tree; version 1 has one for processors alone. */
const TREE = existsSync(`${ROOT}/cpu`) ? `${ROOT}/cpu` : ROOT;

async function create(share: number) {
  const path = `${TREE}/noaa-chaos-${process.pid}`;
  await mkdir(path, { recursive: true });
  const quota = Math.round(share * PERIOD_US);
  if (TREE === ROOT) await writeFile(`${path}/cpu.max`, `${quota} ${PERIOD_US}`);
  else await writeFile(`${path}/cpu.cfs_quota_us`, String(quota));
  const release = async () => {
    const pids = (await readFile(`${path}/cgroup.procs`, 'utf8')).split('\n').filter(Boolean);
    for (const pid of pids) await writeFile(`${TREE}/cgroup.procs`, pid).catch(() => {});
  };
  return {
    add: (pid: number) => writeFile(`${path}/cgroup.procs`, String(pid)),
    release,
    async [Symbol.asyncDispose]() {
      await release();
      await rmdir(path).catch(() => {});
    },
  };
}

export const cpuGroup = {
  create,
  missing: () =>
    process.getuid?.() === 0 && existsSync(TREE)
      ? undefined
      : 'needs root and a control group for processors',
};
