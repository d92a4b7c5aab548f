import { execFileSync } from 'node:child_process';
import { copyFile, rm, truncate } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeClip } from '../../support/clips.ts';
import { cpuGroup } from '../cpu-group.ts';
import { type Fault, made, needsRoot, shows } from '../fault.ts';
import { NAMES, type Rig } from '../rig.ts';

const fourK = (rig: Rig) => makeClip(`${rig.folder}/4k.mp4`, { size: '3840x2160', seconds: 3, fps: 25 });

export const clips: Fault[] = [
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
      const clip = await made(rig, '4k', () => fourK(rig));
      await rig.play(clip);
      await sleep(8000);
      await rig.play(`${rig.folder}/whole.mp4`);
      await shows(rig, 320);
    },
  },
  {
    name: 'the clip is 3840×2160, and all three have half a processor, for 8 s',
    shows: { metric: /frames_(dropped|missed)_total/, log: /^playing 3840×2160/ },
    moreMb: 128,
    missing: () => cpuGroup.missing(),
    async inject(rig) {
      const clip = await made(rig, '4k', () => fourK(rig));
      await using group = await cpuGroup.create(0.5);
      for (const pid of [...NAMES.map(name => rig.pid(name)), ...rig.decoders()]) await group.add(pid);
      await rig.play(clip);
      await sleep(8000);
      await group.release();
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
