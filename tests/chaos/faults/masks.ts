import { rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import type { Fault } from '../fault.ts';
import type { Rig } from '../rig.ts';

/** Covers a part of the picture that has neither the white frame nor the number. */
const mask = (x: number) =>
  JSON.stringify({
    version: 1,
    units: 'normalised',
    regions: [{ name: 'part', shape: 'rectangle', x, y: 0.65, width: 0.1, height: 0.05 }],
  });

/** The redactor has a mask file; `harm` is what is done to it. */
const harmed = (
  words: string,
  shows: Fault['shows'],
  harm: (file: string, rig: Rig) => Promise<void>,
): Fault => ({
  name: `the mask file is ${words}`,
  shows,
  async inject(rig) {
    const file = `${rig.folder}/mask.json`;
    await writeFile(file, mask(0.3));
    await rig.kill('redactor', 'SIGTERM');
    rig.start('redactor', { MASK_FILE: file });
    await rig.live(performance.now());
    await harm(file, rig);
    return async () => {
      await rig.kill('redactor', 'SIGTERM');
      rig.start('redactor');
    };
  },
});

const NO_MASK = {
  status: /^refusing: There is no picture: MASK_FILE /,
  metric: /redactor_frames_refused_total\{.*bad-mask/,
};

export const masks: Fault[] = [
  harmed(
    'replaced twenty times while it plays',
    { log: /^mask \w{16} is in force, instead of \w{16}/ },
    async file => {
      for (let time = 0; time < 20; time += 1) {
        await writeFile(`${file}.new`, mask(0.3 + 0.01 * (time % 10)));
        await rename(`${file}.new`, file);
        await sleep(400);
      }
    },
  ),
  harmed(
    'half written for 4 s',
    { ...NO_MASK, log: /^nothing is published: MASK_FILE .* is no mask/ },
    async file => {
      await writeFile(file, mask(0.4).slice(0, 60));
      await sleep(4000);
      await writeFile(file, mask(0.4));
    },
  ),
  harmed(
    'removed for 4 s',
    { ...NO_MASK, log: /^nothing is published: MASK_FILE .* is not there/ },
    async (file, rig) => {
      await rm(file);
      await until(
        async () => (await rig.status())?.state === 'refusing',
        'viewers to be told that there is no mask',
        4000,
      );
      await sleep(3000);
      await writeFile(file, mask(0.5));
    },
  ),
];
