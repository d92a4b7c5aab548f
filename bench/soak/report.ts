import { median } from '../statistics.ts';
import type { Attendance } from './audience.ts';
import { CLIP_TURN_S, ROUND_S } from './programme.ts';
import type { Held } from './sample.ts';
import { type Slope, slopeOf } from './slope.ts';

/** The conditions of a run. */
export interface Conditions {
  startedAt: string;
  commit: string;
  minutes: number;
  viewers: number;
  fps: number;
  processors: string;
  kernel: string;
  node: string;
}

/** One line of the log: what was seen at a moment. */
export interface Sample {
  seconds: number;
  held: Record<string, Held>;
  /** The machine's, so that a reader sees how much it was shared. */
  load: number;
  viewers: number;
  live: boolean;
  attendance: Attendance;
}

/**
 * Curves are judged after it. In it V8 compiles what is hot, and the most that viewers and clips ask for at once has been asked
 * for once: each first time is a step in memory, and a straight line through steps rises.
 */
const WARM_UP_S = 1800;
/** A table of medians shows whether a curve still rises or has only done so at first. */
const PERIOD_MIN = 20;
const MEASURES = {
  residentMb: 'resident, MB',
  anonymousMb: 'anonymous, MB',
  proportionalMb: 'PSS, MB',
  descriptors: 'descriptors',
} as const;
const MEMORY = ['residentMb', 'anonymousMb', 'proportionalMb'] as const;

/** Returns the report of a run as Markdown. */
export function report(conditions: Conditions, samples: readonly Sample[]): string {
  const last = samples.at(-1);
  if (!last) return 'There is no sample yet.\n';
  const warmUpS = Math.min(WARM_UP_S, last.seconds / 4);
  const judged = samples.filter(({ seconds }) => seconds >= warmUpS);
  const loads = samples.map(({ load }) => load);
  const { attendance } = last;
  const seenLive = samples.filter(({ live }) => live).length;
  const rows = Object.keys(last.held).flatMap(name =>
    Object.entries(MEASURES).map(([measure, title]) => {
      const points = judged.map(
        ({ seconds, held }) => [seconds, held[name]![measure as keyof Held]] as const,
      );
      return row(
        name,
        title,
        slopeOf(points, ROUND_S),
        points.map(([, value]) => value),
      );
    }),
  );
  return [
    `${(last.seconds / 60).toFixed(1)} minutes from ${conditions.startedAt}, at commit ${conditions.commit}: ${conditions.processors}, Linux ${conditions.kernel}, Node ${conditions.node}.`,
    `The machine was shared: its load was ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}.`,
    `${conditions.viewers} viewers came and went: ${attendance.opened} streams opened, ${attendance.failed} failed, ${(attendance.bytes / 1e9).toFixed(1)} GB sent.`,
    `A clip of ${conditions.fps} frames a second was replaced every ${CLIP_TURN_S} s by one of four, of three sizes, one of them cut short; live in ${seenLive} of ${samples.length} samples.`,
    '',
    '| | measure | mean | least – most | slope an hour, 95 % interval | verdict |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    `Judged after the first ${(warmUpS / 60).toFixed(0)} minutes, over blocks of ${ROUND_S / 60} minutes, one round of the clips. “Rises”: the whole interval is above 0.`,
    '',
    ...byPeriod(samples),
  ].join('\n');
}

/** Returns a table of what each process held, by periods of the run from its start; nothing if there is only one. */
function byPeriod(samples: readonly Sample[]): string[] {
  const periods = [...Map.groupBy(samples, ({ seconds }) => Math.floor(seconds / 60 / PERIOD_MIN))];
  // The last sample comes a moment after the end.
  const whole = periods.filter(([, within]) => within.length > periods[0]![1].length / 10);
  if (whole.length < 2) return [];
  const rows = Object.keys(samples[0]!.held).flatMap(name =>
    MEMORY.map(measure => {
      const medians = whole.map(([, within]) => median(within.map(({ held }) => held[name]![measure])));
      return `| ${[name, MEASURES[measure], ...medians.map(value => value.toFixed(1))].join(' | ')} |`;
    }),
  );
  return [
    `Medians of ${PERIOD_MIN} minutes, from the start:`,
    '',
    `| minutes | | ${whole.map(([period]) => period * PERIOD_MIN).join(' | ')} |`,
    `|---|---|${'---|'.repeat(whole.length)}`,
    ...rows,
    '',
  ];
}

function row(name: string, title: string, slope: Slope, values: readonly number[]): string {
  const format = (value: number) => value.toFixed(1);
  const [low, high] = slope.interval;
  const range = `${format(Math.min(...values))} – ${format(Math.max(...values))}`;
  const interval = Number.isFinite(low)
    ? `${signed(slope.anHour)} (${signed(low)} to ${signed(high)})`
    : 'too short';
  return `| ${name} | ${title} | ${format(slope.mean)} | ${range} | ${interval} | ${verdict(slope)} |`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}

function verdict({ interval: [low, high] }: Slope): string {
  if (!Number.isFinite(low)) return 'not known';
  if (low > 0) return '**rises**';
  return high < 0 ? 'falls' : 'flat';
}
