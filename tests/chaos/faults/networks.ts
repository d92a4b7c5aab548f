import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, GONE, LOST } from '../fault.ts';
import { lossyPath } from '../lossy-path.ts';
import type { Rig } from '../rig.ts';

/** The redactor runs in a network namespace of its own, and every packet to and from it goes over a path that is harmed. */
function harmed(
  words: string,
  [delayMs, loss]: [number, number],
  seconds: number,
  shows: Fault['shows'],
): Fault {
  return {
    name: `the network of the redactor ${words} for ${seconds} s`,
    shows,
    missing: lossyPath.missing,
    async inject(rig, random) {
      const path = await lossyPath.open(Math.floor(random() * 2 ** 31));
      const tidy = async () => {
        await endAll(rig);
        rig.hosts.redactor = '127.0.0.1';
        rig.startAll();
        await path[Symbol.asyncDispose]();
      };
      await endAll(rig);
      rig.hosts.redactor = path.far;
      rig.start('playback', { PLAYBACK_HOST: path.near });
      const { playback, redactor } = rig.ports;
      rig.start(
        'redactor',
        {
          PLAYBACK_HOST: path.near,
          PLAYBACK_PORT: playback,
          REDACTOR_HOST: path.far,
          METRICS_HOST: path.far,
        },
        path.enter,
      );
      rig.start('visualizer', { REDACTOR_HOST: path.far, REDACTOR_PORT: redactor });
      try {
        await rig.live(performance.now());
      } catch (thrown) {
        await tidy();
        throw thrown;
      }
      path.set(delayMs, loss);
      await sleep(1000 * seconds);
      path.set(0, 0);
      return tidy;
    },
  };
}

async function endAll(rig: Rig): Promise<void> {
  await Promise.all([rig.kill('playback'), rig.kill('redactor'), rig.kill('visualizer')]);
}

export const networks: Fault[] = [
  harmed('is cut without a word', [0, 1], 6, {
    status: GONE,
    metric: /reconnects/,
    log: /^The redactor at .* (is gone|is connected but)/,
  }),
  harmed('takes 0.2 s each way', [200, 0], 5, LOST),
  harmed('loses one packet in 20', [20, 0.05], 6, LOST),
];
