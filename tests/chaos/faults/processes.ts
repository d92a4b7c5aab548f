import { setTimeout as sleep } from 'node:timers/promises';
import { between, type Fault, GONE, started } from '../fault.ts';
import { NAMES } from '../rig.ts';

const orders = (names: readonly (typeof NAMES)[number][]): (typeof NAMES)[number][][] =>
  names.length < 2
    ? [[...names]]
    : names.flatMap(name => orders(names.filter(other => other !== name)).map(rest => [name, ...rest]));

const killed = NAMES.map((name): Fault => {
  const shows = {
    playback: { status: GONE, metric: /redactor_reconnects/, log: /^no link to playback at .*/ },
    redactor: { status: GONE, metric: /visualizer_reconnects/, log: /^no link to the redactor at .*/ },
    // It can log nothing of it, and nobody else has to know.
    visualizer: { status: /^no answer/, metric: started('visualizer') },
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

/** What is killed while its newest frame is on its way, so that the peer has half of one. */
const midFrame = (['playback', 'redactor'] as const).map((name): Fault => {
  const link = name === 'playback' ? 'beforeRedactor' : 'beforeVisualizer';
  return {
    name: `${name} is killed in the middle of a frame, and started again at once`,
    shows: {
      ...(name === 'redactor' && { status: /^source\.reconnects/ }),
      metric: name === 'playback' ? /redactor_reconnects/ : /visualizer_reconnects/,
    },
    async inject(rig, random) {
      // A frame takes about a second.
      rig[link].mischief = { bytesPerSecond: 100_000 };
      await sleep(between(random, 1500, 2500));
      await rig.kill(name);
      rig[link].mend();
      rig.start(name);
    },
  };
});

const STALLED = {
  status: /^stalled: |^refusing: /,
  metric: /source_state\{.*state="(stalled|refusing)"/,
  log: /is connected but sends no frames/,
};

const stopped = NAMES.map(
  (name): Fault => ({
    name: `${name} is stopped for 4 s (SIGSTOP)`,
    shows:
      name === 'visualizer' ? { status: /^no answer/, metric: /frames_dropped_total\{.*upstream/ } : STALLED,
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
    shows: { status: /^no answer/, metric: started(order[0]!), log: /stopped on SIGTERM/ },
    async inject(rig, random) {
      await Promise.all(NAMES.map(name => rig.kill(name, 'SIGTERM')));
      for (const name of order) {
        rig.start(name);
        await sleep(between(random, 0, 300));
      }
    },
  }),
);

export const processes: Fault[] = [...killed, ...midFrame, ...stopped, ...restarted];
