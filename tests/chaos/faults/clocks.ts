import { setTimeout as sleep } from 'node:timers/promises';
import { fakeClock } from '../fake-clock.ts';
import type { Fault } from '../fault.ts';

function jumps(name: 'playback' | 'visualizer', words: string, offset: string, seen: string): Fault {
  return {
    name: `the clock of ${name} jumps ${words}, and back after 3 s`,
    lie: 'time',
    shows: {
      status: new RegExp(`clock is \\d+ s ${seen} ours`),
      metric: /clock_behind|implausible.*clock/,
      log: new RegExp(`the clock of playback is \\d+ s ${seen}`),
    },
    missing: () => fakeClock.missing(),
    async inject(rig) {
      await rig.kill(name, 'SIGTERM');
      rig.start(name, await fakeClock.settings(rig.folder));
      await rig.live(performance.now());
      await fakeClock.set(rig.folder, offset);
      await sleep(3000);
      await fakeClock.set(rig.folder, '+0');
      return async () => {
        await rig.kill(name, 'SIGTERM');
        rig.start(name);
      };
    },
  };
}

export const clocks: Fault[] = [
  jumps('playback', 'an hour ahead', '+1h', 'ahead of'),
  jumps('playback', 'an hour back', '-1h', 'behind'),
  jumps('visualizer', 'an hour ahead', '+1h', 'behind'),
  jumps('visualizer', 'an hour back', '-1h', 'ahead of'),
];
