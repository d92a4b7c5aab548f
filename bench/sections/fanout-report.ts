import { gstreamer } from '../contenders/peers.ts';
import type { ViewerTask } from '../load/viewers.ts';
import type { Plan } from '../plan.ts';
import { lineChart } from '../plot.ts';
import { number, type Table, type Verdict, writeResult } from '../report.ts';
import { median } from '../statistics.ts';
import { FPS } from './fanout-servers.ts';
import { FLAT } from './memory.ts';

/** Viewers beside slow ones must keep this share of their rate. */
const CALM_SHARE = 0.95;
/** Our aims: megabytes a second over those of another server. */
const AIMS = [
  ['bare Node server', 0.8],
  ['bare Node TLS server', 0.9],
  ['tcpserversink', 1],
] as const;
/** The timers of two servers differ by this much. */
const TIMER_SHARE = 0.005;

/** Viewers that can't follow, besides those that are counted. */
export type Hindrance = Required<Pick<ViewerTask, 'stalled' | 'modem'>>;

/** What one server did in one round. */
export interface Row extends Hindrance {
  server: string;
  stream: string;
  viewers: number;
  fps: { min: number; median: number };
  megabytes: number;
  /** CPU of the serving process, milliseconds a second. */
  cpuMs: number;
  loadCpuMs: number;
  residentMb: number;
}

/** @param rounds the rows of one server, stream and number of viewers each */
export function report(
  rounds: Row[][],
  calm: Row[],
  rough: Row[],
  jpegBytes: number,
  plan: Plan,
): { table: Table; verdicts: Verdict[] } {
  const rows = rounds.map(merge);
  const title = `Fan-out of a ${number(jpegBytes / 1000, 0)} kB JPEG, ${FPS} times a second`;
  writeResult('fanout.svg', chart(title, rows));
  const table: Table = {
    title: `${title}, load on the same machine, ${plan.fanoutRounds} rounds`,
    columns: [
      ...['viewers', 'server', 'fps median', 'fps least', 'MB/s', 'ours ×', 'CPU %'],
      ...['CPU µs a frame and viewer', 'load’s CPU %', 'MB resident'],
    ],
    rows: [...rows, merge(calm), merge(rough)].map(row => line(row, rounds)),
    notes: plan.peers.includes(gstreamer) ? [] : ['MISSING, so not compared with: GStreamer’s tcpserversink'],
  };
  return { table, verdicts: [...againstOthers(rows, rounds), ...besideSlowViewers(calm, rough)] };
}

/** Returns the rows of one server, stream and number of viewers as one: medians of the rounds, and the least of all. */
function merge(rows: Row[]): Row {
  const middle = (figure: (row: Row) => number) => median(rows.map(figure));
  return {
    ...rows[0]!,
    fps: { min: Math.min(...rows.map(row => row.fps.min)), median: middle(row => row.fps.median) },
    megabytes: middle(row => row.megabytes),
    cpuMs: middle(row => row.cpuMs),
    loadCpuMs: middle(row => row.loadCpuMs),
    residentMb: middle(row => row.residentMb),
  };
}

/** Returns our megabytes a second over those of a row's server: the median of the rounds' own ratios. */
function oursOver({ server, stream, viewers }: Row, rounds: Row[][]): number {
  const find = (name: string) =>
    rounds.find(([one]) => one!.server === name && one!.stream === stream && one!.viewers === viewers);
  const [own, other] = [find('noaa-pod'), find(server)];
  return own && other ? median(own.map((one, i) => one.megabytes / other[i]!.megabytes)) : Number.NaN;
}

function line(row: Row, rounds: Row[][]): string[] {
  const beside = row.stalled > 0 ? ` beside ${row.stalled} stalled, ${row.modem} at 56 kbit/s` : '';
  return [
    `${row.stream}, ${row.viewers}${beside}`,
    row.server,
    number(row.fps.median),
    number(row.fps.min),
    number(row.megabytes, 0),
    row.server === 'noaa-pod' ? '' : number(oursOver(row, rounds), 2),
    number(row.cpuMs / 10, 0),
    number((1000 * row.cpuMs) / (row.fps.median * row.viewers), 0),
    number(row.loadCpuMs / 10, 0),
    number(row.residentMb, 0),
  ];
}

function againstOthers(rows: Row[], rounds: Row[][]): Verdict[] {
  return AIMS.flatMap(([server, target]) =>
    rows
      .filter(row => row.server === server)
      .map(row => {
        const found = oursOver(row, rounds);
        return {
          what: `fan-out, ${row.stream}, ${row.viewers} viewers, MB/s over ${server}’s`,
          found: `${number(found, 2)} ×`,
          target: `≥ ${target} ×`,
          met: found >= target - TIMER_SHARE,
        };
      }),
  );
}

function besideSlowViewers(calm: Row[], rough: Row[]): Verdict[] {
  const kept = median(rough.map((row, i) => row.fps.median / calm[i]!.fps.median));
  const rate: Verdict = {
    what: 'fan-out, 50 viewers beside 25 that take nothing and 25 at 56 kbit/s, of the rate without them',
    found: `${number(100 * kept, 0)} %`,
    target: `≥ ${100 * CALM_SHARE} %`,
    met: kept >= CALM_SHARE,
  };
  if (rough.length < 2) return [rate];
  const growth = rough.at(-1)!.residentMb / rough[0]!.residentMb - 1;
  const memory: Verdict = {
    what: 'fan-out, memory beside them: growth from the first round to the last',
    found: `${number(100 * growth)} %`,
    target: `≤ ${100 * FLAT} %`,
    met: growth <= FLAT,
  };
  return [rate, memory];
}

function chart(title: string, rows: Row[]): string {
  const nameOf = ({ server, stream }: Row) => `${server}, ${stream}`;
  return lineChart(
    title,
    'MB a second, more is better',
    'viewers',
    [...new Set(rows.map(nameOf))].map(name => ({
      name,
      points: rows.filter(row => nameOf(row) === name).map(row => [row.viewers, row.megabytes] as const),
    })),
  );
}
