import { SIZES, type Size, type Subject } from './clips.ts';
import type { Peer } from './contenders/peers.ts';

/** How much is measured. */
export interface Plan {
  rounds: number;
  throughput: [subject: Subject, size: Size, frames: number][];
  peers: Peer[];
  latencySeconds: number;
  viewers: number[];
  relayViewers: number[];
  fanoutRounds: number;
  fanoutSeconds: number;
  memorySeconds: number;
  cost: [size: Size, fps: number, viewers: number][];
  costSeconds: number;
}

/** Options of the command line. */
export interface Options {
  quick: boolean;
  full: boolean;
  rounds?: string | undefined;
  clips?: string | undefined;
  'memory-minutes'?: string | undefined;
}

export const CLIPS = ['sample', 'hard'].flatMap(subject =>
  Object.keys(SIZES).map(size => `${subject}-${size}`),
);

/** Returns a round's name. Round −1 warms up. */
export function turnOf(round: number, { rounds }: Plan): string {
  return round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`;
}

/** Returns how much to measure. */
export function planOf(options: Options, peers: Peer[]): Plan {
  const { quick, full } = options;
  const frames = quick ? 300 : 900;
  const minutes = options['memory-minutes'];
  const contests = options.clips?.split(',') ?? (quick ? ['sample-1080p'] : CLIPS);
  return {
    rounds: Number(options.rounds ?? (quick ? 3 : 5)),
    peers,
    throughput: contests.map(name => {
      const [subject, size] = name.split('-') as [Subject, Size];
      // Fewer frames of the clips that take longer.
      const share = (size === '4K' ? 3 : 1) * (subject === 'hard' ? 3 : 1);
      return [subject, size, Math.round(frames / share)];
    }),
    latencySeconds: quick ? 10 : 30,
    viewers: quick ? [1, 50] : [1, 10, 50, 100, 200],
    relayViewers: quick ? [0, 1, 50] : [0, 1, 50, 200],
    fanoutRounds: Number(options.rounds ?? (quick ? 1 : 5)),
    fanoutSeconds: quick ? 3 : 5,
    memorySeconds: minutes === undefined ? (full ? 1800 : quick ? 20 : 60) : 60 * Number(minutes),
    cost: quick
      ? [
          ['720p', 30, 1],
          ['1080p', 10, 1],
          ['1080p', 30, 1],
          ['1080p', 30, 50],
        ]
      : (['720p', '1080p', '4K'] as const).flatMap(size =>
          [10, 30].flatMap(fps =>
            [0, 1, 10, 50].map((viewers): [Size, number, number] => [size, fps, viewers]),
          ),
        ),
    costSeconds: quick ? 4 : 8,
  };
}
