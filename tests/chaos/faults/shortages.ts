import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryGroup } from '../../support/cgroup.ts';
import { startProcess } from '../../support/services.ts';
import { until } from '../../support/until.ts';
import { flood, handshake, shortPart } from '../../support/zmtp.ts';
import { cpuGroup } from '../cpu-group.ts';
import { type Fault, GONE, LOST, needsRoot, started } from '../fault.ts';
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
    shows: name === 'visualizer' ? { status: /^no answer/, metric: started(name) } : { metric: /reconnects/ },
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

/** A publisher of another make, or an attacker, whose message has parts without end. */
const endless: Fault = {
  name: 'what publishes at playback’s port sends a message without end, five times, to a redactor of 512 MB',
  shows: {
    status: GONE,
    metric: /redactor_reconnects/,
    log: /^no link to playback at .*: it sent a message that does not end/,
  },
  missing: needsRoot,
  async inject(rig) {
    await rig.kill('redactor', 'SIGTERM');
    const group = await memoryGroup(512 * 2 ** 20);
    // Past the proxy, which would be the slowest on the way.
    rig.start('redactor', { PLAYBACK_PORT: rig.ports.playback }, group.enter);
    await rig.live(performance.now());
    await rig.kill('playback', 'SIGTERM');
    let messages = 0;
    const parts = Buffer.concat(Array<Buffer>(4000).fill(shortPart(Buffer.alloc(255), true)));
    const publisher = createServer(async socket => {
      socket.on('error', () => {}).resume();
      socket.write(handshake('PUB'));
      const bytes = await flood(socket, Number.POSITIVE_INFINITY, () => parts);
      if (bytes > 10 * parts.length) messages += 1;
    }).listen(rig.ports.playback, '127.0.0.1');
    await once(publisher, 'listening');
    try {
      await until(() => messages >= 5, 'five messages without end', 90_000);
      if (await group.killed()) throw new Error('the kernel has killed the redactor for its memory');
    } finally {
      publisher.close();
      rig.start('playback');
    }
    return async () => {
      await rig.kill('redactor', 'SIGTERM');
      rig.start('redactor');
      await group[Symbol.asyncDispose]();
    };
  },
};

export const shortages: Fault[] = [
  ...withoutDescriptors,
  ...withoutMemory,
  endless,
  {
    name: 'all three together have 10 % of a processor for 6 s',
    shows: LOST,
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
    shows: { metric: /log_lines_lost_total/ },
    missing: needsRoot,
    async inject(rig) {
      const place = `${rig.folder}/full`;
      execFileSync('sh', ['-c', 'mkdir -p "$0" && mount -t tmpfs -o size=64k none "$0"', place]);
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
      return async () => {
        await rig.kill('redactor', 'SIGTERM');
        rig.start('redactor');
        execFileSync('umount', ['-l', place]);
      };
    },
  },
];
