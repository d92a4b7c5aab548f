import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../fault.ts';

const NO_PICTURE = /no picture of DATA_FILE|has no frame that decodes/;
const GARBAGE = { status: NO_PICTURE, metric: /playback_source_lost/, log: NO_PICTURE };

export const decoders: Fault[] = [
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
    // It may be over before playback has given up on it.
    shows: { metric: /playback_decode_errors/, log: /did not decode: / },
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
    // 500 kB are four pictures, so a round is over after 160 ms, more or less.
    pace: { roundMs: 120 },
    shows: { metric: /playback_decode_errors/, log: /did not decode: / },
    async inject(rig) {
      await rig.ffmpeg('early');
      await sleep(3000);
      await rig.ffmpeg('well');
    },
  },
];
