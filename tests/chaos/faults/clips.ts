import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ffmpeg } from '../../support/clips.ts';
import { cpuGroup } from '../cpu-group.ts';
import { type Fault, LOST, made, needsRoot, shows } from '../fault.ts';
import { makeNumberedClip } from '../numbered-clip.ts';
import { NAMES, type Rig } from '../rig.ts';

const fourK = (rig: Rig) => made(rig, '4k', () => makeNumberedClip(`${rig.folder}/4k.mp4`, '3840x2160', 3));

/** Puts the usual clip on air again; the fault is over when playback has taken it up, at the end of a round. */
async function playWhole(rig: Rig): Promise<void> {
  const taken = rig.plays('320×240');
  await rig.play(`${rig.folder}/whole.mp4`);
  await taken;
}

const HALF = /is only half there|is being written/;

export const clips: Fault[] = [
  {
    name: 'the clip is replaced by one of another size',
    shows: { log: /^playing 240×320/ },
    async inject(rig) {
      await rig.play(await made(rig, 'tall', () => makeNumberedClip(`${rig.folder}/tall.mp4`, '240x320', 3)));
      await shows(rig, 240);
      await playWhole(rig);
    },
  },
  {
    name: 'the clip is cut in half, for 4 s',
    shows: {
      status: /^refusing: .*is not a video that playback reads/,
      metric: /playback_(decode_errors|source_lost)/,
      log: /DATA_FILE .* is not a video that playback reads/,
    },
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
    // Three clips in one: their numbers are not those of the whole.
    lie: 'position',
    async inject(rig) {
      const clip = await made(rig, 'changing', async () => {
        await makeNumberedClip(`${rig.folder}/a.ts`, '320x240', 2);
        await makeNumberedClip(`${rig.folder}/b.ts`, '240x320', 2);
        execFileSync('sh', ['-c', 'cat "$0"/a.ts "$0"/b.ts "$0"/a.ts >"$0"/changing.mp4', rig.folder]);
      });
      await rig.play(clip);
      await sleep(8000);
      await playWhole(rig);
    },
  },
  {
    name: 'the clip is 3840×2160 for 8 s',
    shows: { log: /^playing 3840×2160/ },
    async inject(rig) {
      await rig.play(await fourK(rig));
      await shows(rig, 3840);
      await sleep(8000);
      await playWhole(rig);
    },
  },
  {
    name: 'the clip is 3840×2160, and all three have half a processor, for 8 s',
    shows: { ...LOST, log: /^decoding is \d+ ms behind the clip's own rate/ },
    missing: () => cpuGroup.missing(),
    async inject(rig) {
      await using group = await cpuGroup.create(0.5);
      await rig.play(await fourK(rig));
      await shows(rig, 3840);
      for (const pid of [...NAMES.map(name => rig.pid(name)), ...rig.decoders()]) await group.add(pid);
      await sleep(8000);
      await group.release();
      await playWhole(rig);
    },
  },
  {
    name: 'the file system of the clip is read-only for 3 s',
    // Nothing of ours writes there.
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
  {
    name: 'a folder of pictures gets half of a picture for 4 s, and then the whole',
    shows: { log: HALF },
    // Twelve pictures of the clip, at another rate.
    lie: 'position',
    async inject(rig) {
      const folder = `${rig.folder}/pictures`;
      await made(rig, 'pictures', async () => {
        await mkdir(folder);
        await ffmpeg('-i', `${rig.folder}/whole.mp4`, '-frames:v', '12', `${folder}/2021_300_12%02d.png`);
      });
      await rename(`${folder}/2021_300_1212.png`, `${rig.folder}/late.png`);
      await rig.kill('playback', 'SIGTERM');
      rig.start('playback', { DATA_FILE: folder, PLAYBACK_FPS: 10 });
      await rig.live(performance.now());
      const whole = await readFile(`${rig.folder}/late.png`);
      await writeFile(`${folder}/2021_300_1212.png`, whole.subarray(0, whole.length >> 1));
      await sleep(4000);
      await writeFile(`${folder}/2021_300_1212.png`, whole);
      return async () => {
        await rig.kill('playback', 'SIGTERM');
        rig.start('playback');
      };
    },
  },
];
