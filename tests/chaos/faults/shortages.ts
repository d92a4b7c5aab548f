import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryGroup } from '../../support/cgroup.ts';
import { startProcess } from '../../support/services.ts';
import { until } from '../../support/until.ts';
import { cpuGroup } from '../cpu-group.ts';
import { type Fault, needsRoot } from '../fault.ts';
import { NAMES } from '../rig.ts';

const withoutDescriptors = NAMES.map(
  (name): Fault => ({
    name: `${name} has no descriptor left for 4 s`,
    shows: { log: /no file descriptor is left/ },
    async inject(rig) {
      const pid = String(rig.pid(name));
      const limit = rig.holds(name).descriptors + 2;
      execFileSync('prlimit', ['--pid', pid, `--nofile=${limit}:1024`]);
      const port = rig.ports[name];
      const clients = Array.from({ length: 30 }, () => connect(port, '127.0.0.1').on('error', () => {}));
      await sleep(4000);
      for (const client of clients) client.destroy();
      execFileSync('prlimit', ['--pid', pid, '--nofile=1024:1024']);
    },
  }),
);

const withoutMemory = (
  [
    ['playback', 220],
    ['redactor', 220],
    ['visualizer', 600],
  ] as const
).map(
  ([name, limitMb]): Fault => ({
    name: `the memory limit of ${name} is reached, and it is killed`,
    shows: name === 'visualizer' ? { status: /^no answer/ } : { metric: /reconnects/ },
    missing: needsRoot,
    async inject(rig) {
      await rig.kill(name, 'SIGTERM');
      await using group = await memoryGroup(limitMb * 2 ** 20);
      const starved = rig.start(name, {}, group.enter);
      await rig.live(performance.now());
      // It fills the group, and the kernel spares it.
      const bytes = `${limitMb + 10}m`;
      const script = `echo -1000 >/proc/self/oom_score_adj; head -c ${bytes} /dev/zero | tail -c ${bytes} >/dev/null`;
      const [command = '', ...enter] = group.enter;
      await using _hog = startProcess('hog', command, [...enter, 'sh', '-c', script]);
      await until(() => group.killed(), 'the kernel to kill in the group', 10_000);
      await Promise.race([starved.ended, sleep(2000)]);
      await rig.kill(name, 'SIGKILL');
      rig.start(name);
    },
  }),
);

export const shortages: Fault[] = [
  ...withoutDescriptors,
  ...withoutMemory,
  {
    name: 'all three together have 10 % of a processor for 6 s',
    shows: { metric: /frames_(dropped|missed)_total/ },
    missing: () => cpuGroup.missing(),
    async inject(rig) {
      await using group = await cpuGroup.create(0.1);
      const pids = [...NAMES.map(name => rig.pid(name)), ...rig.decoders()];
      for (const pid of pids) await group.add(pid);
      await sleep(6000);
      await group.release();
    },
  },
  {
    name: 'the disk of the log is full for 3 s',
    shows: { metric: /log_lines_lost/ },
    missing: needsRoot,
    async inject(rig) {
      const place = `${rig.folder}/full`;
      execFileSync('sh', ['-c', 'mkdir -p "$0" && mount -t tmpfs -o size=64k none "$0"', place]);
      try {
        await rig.kill('redactor', 'SIGTERM');
        const redactor = rig.start('redactor', {}, ['sh', '-c', `exec "$@" >${place}/log`, 'enter']);
        await rig.live(performance.now());
        execFileSync('sh', ['-c', 'head -c 100000 /dev/zero >"$0"/fill || true', place], { stdio: 'ignore' });
        // Each line is one that is lost, once 256 kB of them wait.
        for (let line = 0; line < 2500; line += 1) {
          process.kill(redactor.process.pid!, 'SIGUSR2');
          await sleep(1);
        }
        await sleep(1000);
        await rm(`${place}/fill`);
        await sleep(1500);
        await rig.kill('redactor', 'SIGTERM');
        rig.start('redactor');
      } finally {
        execFileSync('umount', ['-l', place]);
      }
    },
  },
];
