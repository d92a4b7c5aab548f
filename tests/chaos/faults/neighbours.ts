import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../support/ports.ts';
import { type Fault, LOST } from '../fault.ts';

export const neighbours: Fault[] = [
  {
    name: 'a second playback wants the same port',
    shows: { log: /is already taken; set PLAYBACK_PORT to a free port/ },
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
    shows: LOST,
    pace: { speed: 10 },
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
      // On a busy machine a start takes as long as the fault.
      await rig.service('redactor').logged(({ msg }) => msg.endsWith(' in bgr24'));
      await sleep(3000);
      await rig.kill('playback', 'SIGTERM');
      rig.start('playback');
    },
  },
  {
    name: 'the link leads to another playback for 4 s',
    shows: { metric: /redactor_reconnects/ },
    lie: 'position',
    async inject(rig) {
      const first = rig.service('playback');
      const [port] = await freePorts(1);
      const second = rig.start('playback', { PLAYBACK_PORT: port!, METRICS_PORT: 0 });
      rig.running.set('playback', first);
      await second.logged(({ msg }) => /^playing /.test(msg));
      rig.beforeRedactor.lead(port!);
      await sleep(4000);
      rig.beforeRedactor.lead(rig.ports.playback);
      await second.stop();
    },
  },
];
