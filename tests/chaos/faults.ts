/** What is done to the chain, and where its cause must show. */
import { execFileSync } from 'node:child_process';
import { copyFile, rm, truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryGroup } from '../support/cgroup.ts';
import { makeClip } from '../support/clips.ts';
import { startProcess } from '../support/services.ts';
import { until } from '../support/until.ts';
import { cpuGroup } from './cpu-group.ts';
import { fakeClock } from './fake-clock.ts';
import type { Mischief } from './faulty-link.ts';
import { NAMES, type Rig } from './rig.ts';

export interface Fault {
  name: string;
  /** Does the harm and undoes it; resolves when it is over. */
  inject(rig: Rig, random: () => number): Promise<void>;
  /** Where its cause must be found; what is left out need not show. */
  shows: { status?: RegExp; metric?: RegExp; log?: RegExp };
  /** Frames may lie about their order, because the harm changes what they say. */
  liesAboutTime?: true;
  /** Memory that a service may hold besides, once it is over. */
  moreMb?: number;
  /** Short enough, and telling enough, for each run of the tests. */
  quick?: true;
  /** Why it can't be done on this machine. */
  missing?(): string | undefined;
}

const GONE = /^disconnected: |^stalled: |^refusing: |^no answer/;
const NO_LINK = /^no link to /;

const orders = (names: readonly (typeof NAMES)[number][]): (typeof NAMES)[number][][] =>
  names.length < 2
    ? [[...names]]
    : names.flatMap(name => orders(names.filter(other => other !== name)).map(rest => [name, ...rest]));

const between = (random: () => number, least: number, most: number) => least + random() * (most - least);

const killed = NAMES.map((name): Fault => {
  const shows = {
    playback: { status: GONE, metric: /redactor_reconnects/, log: /^no link to playback at .*/ },
    redactor: { status: GONE, metric: /visualizer_reconnects/, log: /^no link to the redactor at .*/ },
    visualizer: { status: /^no answer/ },
  };
  return {
    name: `${name} is killed, and started again after 2 s`,
    ...(name === 'redactor' && { quick: true }),
    shows: shows[name],
    async inject(rig) {
      await rig.kill(name);
      await sleep(2000);
      rig.start(name);
    },
  };
});

const stopped = NAMES.map(
  (name): Fault => ({
    name: `${name} is stopped for 4 s (SIGSTOP)`,
    shows: name === 'visualizer' ? { status: /^no answer/ } : { status: /^stalled: |^refusing: / },
    async inject(rig) {
      process.kill(rig.pid(name), 'SIGSTOP');
      await sleep(4000);
      process.kill(rig.pid(name), 'SIGCONT');
    },
  }),
);

const restarted = orders(NAMES).map(
  (order): Fault => ({
    name: `all are ended, and started in the order ${order.join(', ')}`,
    shows: { status: /^no answer/ },
    async inject(rig, random) {
      await Promise.all(NAMES.map(name => rig.kill(name, 'SIGTERM')));
      for (const name of order) {
        rig.start(name);
        await sleep(between(random, 0, 300));
      }
    },
  }),
);

const NO_PICTURE = /no picture of DATA_FILE|has no frame that decodes/;
const GARBAGE = { status: NO_PICTURE, metric: /playback_source_lost/, log: NO_PICTURE };

const decoders: Fault[] = [
  {
    name: 'ffmpeg is killed',
    quick: true,
    shows: { metric: /playback_decode_errors/, log: /did not decode: ffmpeg ended with killed/ },
    async inject(rig) {
      for (const pid of rig.decoders()) process.kill(pid, 'SIGKILL');
    },
  },
  {
    name: 'ffmpeg hangs for 6 s (SIGSTOP)',
    shows: { status: /storage may hang/, metric: /playback_source_lost/, log: /its storage may hang/ },
    async inject(rig) {
      for (const pid of rig.decoders()) process.kill(pid, 'SIGSTOP');
      await sleep(6000);
      for (const pid of rig.decoders()) process.kill(pid, 'SIGCONT');
    },
  },
  {
    name: 'ffmpeg spews garbage for 4 s',
    // It is over before playback has given up on it.
    shows: {},
    async inject(rig) {
      await rig.ffmpeg('garbage');
      await sleep(4000);
      await rig.ffmpeg('well');
    },
  },
  {
    name: 'ffmpeg spews garbage for 20 s',
    shows: GARBAGE,
    async inject(rig) {
      await rig.ffmpeg('garbage');
      await sleep(20_000);
      await rig.ffmpeg('well');
    },
  },
  {
    name: 'ffmpeg ends early for 3 s',
    shows: { metric: /playback_decode_errors/, log: /did not decode: / },
    async inject(rig) {
      await rig.ffmpeg('early');
      await sleep(3000);
      await rig.ffmpeg('well');
    },
  },
];

const links: Fault[] = (['beforeRedactor', 'beforeVisualizer'] as const).flatMap(link => {
  const where = link === 'beforeRedactor' ? 'playback → redactor' : 'redactor → visualizer';
  const reconnects = link === 'beforeRedactor' ? /redactor_reconnects/ : /visualizer_reconnects/;
  const misbehaving = (
    words: string,
    mischief: Mischief,
    seconds: number,
    more: Partial<Fault> & Pick<Fault, 'shows'>,
  ): Fault => ({
    name: `${where}: ${words}`,
    ...more,
    async inject(rig) {
      rig[link].mischief = { ...mischief };
      await sleep(1000 * seconds);
      rig[link].mend();
    },
  });
  const refused: Fault = {
    name: `${where}: cut, and refused for 4 s`,
    shows: { status: GONE, metric: reconnects, log: NO_LINK },
    async inject(rig) {
      rig[link].refuse();
      await sleep(4000);
      rig[link].mend();
    },
  };
  const flapping: Fault = {
    name: `${where}: cut in the middle of a frame, five times`,
    shows: {
      // The visualizer knows only of its own link.
      ...(link === 'beforeVisualizer' && { status: /was lost \d times/ }),
      metric: reconnects,
      log: /^the link to .* was lost \d times/,
    },
    async inject(rig, random) {
      for (let time = 0; time < 5; time += 1) {
        rig[link].mischief = { cutAfterBytes: Math.ceil(between(random, 1, 200_000)) };
        await sleep(800);
      }
      rig[link].mend();
    },
  };
  return [
    refused,
    flapping,
    misbehaving('delayed by 0.3 s', { delayMs: 300 }, 4, { shows: {} }),
    misbehaving('300 kB a second', { bytesPerSecond: 300_000 }, 5, {
      shows: { metric: /frames_(dropped|missed)_total/ },
    }),
    misbehaving('50 kB are lost', { dropBytes: 50_000 }, 2, {
      shows: { metric: /frames_(dropped|missed|refused)_total|reconnects/ },
    }),
    misbehaving('silent for 4 s, and open', { silent: true }, 4, {
      shows: { status: /^stalled|^disconnected|^refusing/ },
    }),
    // After the redactor nothing is covered any more: what a proxy writes into the border is its own, and no picture.
    ...(link === 'beforeRedactor'
      ? [
          misbehaving('one byte in 20 kB is changed', { corruptEveryBytes: 20_000 }, 4, {
            liesAboutTime: true,
            quick: true,
            shows: {},
          }),
        ]
      : []),
  ];
});

const clips: Fault[] = [
  {
    name: 'the clip is replaced by one of another size',
    shows: { log: /^playing 240×320/ },
    async inject(rig) {
      await rig.play(
        await made(rig, 'tall', () =>
          makeClip(`${rig.folder}/tall.mp4`, { size: '240x320', seconds: 3, fps: 25 }),
        ),
      );
      await shows(rig, 240);
      await rig.play(`${rig.folder}/whole.mp4`);
      await shows(rig, 320);
    },
  },
  {
    name: 'the clip is cut in half, for 4 s',
    shows: { metric: /playback_(decode_errors|source_lost)/, log: /DATA_FILE/ },
    async inject(rig) {
      await truncate(rig.clip, 30_000);
      await sleep(4000);
      await rig.play(`${rig.folder}/whole.mp4`);
    },
  },
  {
    name: 'the clip is removed for 12 s',
    shows: { status: /does not exist/, metric: /playback_source_lost/, log: /does not exist/ },
    async inject(rig) {
      await rm(rig.clip);
      await sleep(12_000);
      await copyFile(`${rig.folder}/whole.mp4`, rig.clip);
    },
  },
  {
    name: 'the size of the pictures changes within the clip',
    shows: {},
    async inject(rig) {
      const clip = await made(rig, 'changing', async () => {
        await makeClip(`${rig.folder}/a.ts`, { size: '320x240', seconds: 2, fps: 25 });
        await makeClip(`${rig.folder}/b.ts`, { size: '240x320', seconds: 2, fps: 25 });
        execFileSync('sh', ['-c', 'cat "$0"/a.ts "$0"/b.ts "$0"/a.ts >"$0"/changing.mp4', rig.folder]);
      });
      await rig.play(clip);
      await sleep(8000);
      await rig.play(`${rig.folder}/whole.mp4`);
    },
  },
  {
    name: 'the clip is 3840×2160 for 8 s',
    shows: { log: /^playing 3840×2160/ },
    // malloc keeps up to MALLOC_TRIM_THRESHOLD_ of free memory, so that frames do not cost page faults.
    moreMb: 128,
    async inject(rig) {
      const clip = await made(rig, '4k', () =>
        makeClip(`${rig.folder}/4k.mp4`, { size: '3840x2160', seconds: 3, fps: 25 }),
      );
      await rig.play(clip);
      await sleep(8000);
      await rig.play(`${rig.folder}/whole.mp4`);
      await shows(rig, 320);
    },
  },
  {
    name: 'the file system of the clip is read-only for 3 s',
    shows: {},
    async inject(rig) {
      const place = `${rig.folder}/small`;
      execFileSync('sh', ['-c', 'mkdir -p "$0" && mount -t tmpfs -o size=1m none "$0"', place]);
      try {
        await copyFile(`${rig.folder}/whole.mp4`, `${place}/clip.mp4`);
        await rig.kill('playback', 'SIGTERM');
        rig.start('playback', { DATA_FILE: `${place}/clip.mp4` });
        await sleep(1000);
        execFileSync('mount', ['-o', 'remount,ro', place]);
        await sleep(3000);
        await rig.kill('playback', 'SIGTERM');
        rig.start('playback');
      } finally {
        execFileSync('umount', ['-l', place]);
      }
    },
    missing: needsRoot,
  },
];

const neighbours: Fault[] = [
  {
    name: 'a second playback wants the same port',
    shows: {},
    async inject(rig) {
      const first = rig.service('playback');
      const second = rig.start('playback', { METRICS_PORT: 0 });
      rig.running.set('playback', first);
      const how = await second.ended;
      if (how !== 1 || !second.log.some(({ msg }) => /is already taken/.test(msg)))
        throw new Error(`the second playback ended with ${how}: ${JSON.stringify(second.log)}`);
    },
  },
  {
    name: 'playback publishes ten times too fast for 4 s',
    shows: {},
    async inject(rig) {
      await rig.kill('playback', 'SIGTERM');
      rig.start('playback', { PLAYBACK_FPS: 250 });
      await sleep(4000);
      await rig.kill('playback', 'SIGTERM');
      rig.start('playback');
    },
  },
  {
    name: 'playback publishes BGR instead of I420 for 3 s',
    shows: { log: /^pictures are 320×240 in bgr24/ },
    async inject(rig) {
      await rig.kill('playback', 'SIGTERM');
      rig.start('playback', { WIRE_FORMAT: 'bgr24' });
      await sleep(3000);
      await rig.kill('playback', 'SIGTERM');
      rig.start('playback');
    },
  },
  {
    name: 'the clock of playback jumps an hour ahead, and back after 3 s',
    liesAboutTime: true,
    shows: {
      status: /clock is \d+ s ahead of ours/,
      metric: /clock_behind|implausible.*clock/,
      log: /the clock of playback is/,
    },
    missing: () => fakeClock.missing(),
    async inject(rig) {
      await rig.kill('playback', 'SIGTERM');
      rig.start('playback', await fakeClock.settings(rig.folder));
      await sleep(2500);
      await fakeClock.set(rig.folder, '+1h');
      await sleep(3000);
      await fakeClock.set(rig.folder, '+0');
      await sleep(1000);
      await rig.kill('playback', 'SIGTERM');
      rig.start('playback');
    },
  },
];

const shortages: Fault[] = [
  {
    name: 'the visualizer has no descriptor left for 4 s',
    shows: {},
    async inject(rig) {
      const pid = String(rig.pid('visualizer'));
      const limit = rig.holds('visualizer').descriptors + 2;
      execFileSync('prlimit', ['--pid', pid, `--nofile=${limit}:1024`]);
      const { port } = new URL(rig.web);
      const clients = Array.from({ length: 30 }, () =>
        connect(Number(port), '127.0.0.1').on('error', () => {}),
      );
      await sleep(4000);
      for (const client of clients) client.destroy();
      execFileSync('prlimit', ['--pid', pid, '--nofile=1024:1024']);
    },
  },
  {
    name: 'the memory limit of playback is reached, and it is killed',
    shows: {},
    missing: needsRoot,
    async inject(rig) {
      await rig.kill('playback', 'SIGTERM');
      await using group = await memoryGroup(220 * 2 ** 20);
      const starved = rig.start('playback', {}, group.enter);
      await rig.live(performance.now());
      // It fills the group, and the kernel spares it.
      const script = 'echo -1000 >/proc/self/oom_score_adj; head -c 230m /dev/zero | tail -c 230m >/dev/null';
      const [command = '', ...enter] = group.enter;
      await using _hog = startProcess('hog', command, [...enter, 'sh', '-c', script]);
      await until(() => group.killed(), 'the kernel to kill in the group', 10_000);
      await Promise.race([starved.ended, sleep(2000)]);
      await rig.kill('playback', 'SIGKILL');
      rig.start('playback');
    },
  },
  {
    name: 'all three together have 10 % of a processor for 6 s',
    shows: {},
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

export const FAULTS: readonly Fault[] = [
  ...killed,
  ...stopped,
  ...restarted,
  ...decoders,
  ...links,
  ...clips,
  ...neighbours,
  ...shortages,
];

function needsRoot(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root';
}

/** Makes a clip the first time that it is asked for. */
async function made(rig: Rig, name: string, make: () => Promise<unknown>): Promise<string> {
  const path = `${rig.folder}/${name}.mp4`;
  if (!rig.made.has(name)) await make();
  rig.made.add(name);
  return path;
}

/** Resolves once pictures of this width are shown. */
async function shows(rig: Rig, width: number): Promise<void> {
  await until(async () => (await rig.status())?.source.width === width, `a picture of ${width} pixels`);
}
