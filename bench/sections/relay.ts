import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../tests/support/ports.ts';
import { clip } from '../clips.ts';
import { othersShare } from '../contenders/run.ts';
import { Services } from '../load/services.ts';
import { Viewers } from '../load/viewers.ts';
import type { Plan } from '../plan.ts';
import { machineBusyMs, usage } from '../proc.ts';
import { number, type Section, type Table, type Verdict } from '../report.ts';
import { leastSquares, quantile, sum } from '../statistics.ts';
import { feeder } from './fanout-servers.ts';

const SETTLE_MS = 2000;
/** What a relay may cost: per cent of one processor, and that for each MB/s to its viewers. */
const MOST_CPU = { percent: 5, aMegabyte: 0.03 };
const MOST_ADDED_MS = 5;
const ADDED = [0.5, 0.9, 0.99];
/** Relays in a row, so that each one's share of the latency shows. */
const IN_A_ROW = 2;
/** The history as operators have it. */
const HISTORY = { LOOP_MB: '256', MAX_VIEWERS: '400' };

interface Point {
  label: string;
  stream: string;
  fps: number;
  viewers: number;
  /** Frames a second that a viewer got; all of them if there was no viewer. */
  got: number;
  /** MB/s to viewers. */
  megabytes: number;
  cpuPercent: number;
  residentMb: number;
}

/** Added latency at three places in the distribution, ms, and by how many frames it is known. */
interface Delay {
  viewer: string;
  ms: number[];
  frames: number;
}

/** What a relay costs by what its viewers get, and what it adds to the latency. A feeder stands for the redactor. */
export async function* relay(plan: Plan): Section {
  const path = await clip('sample', '1080p', 300);
  const points: Point[] = [];
  const delays: Delay[] = [];
  let others = 0;
  for (const fps of [10, 30]) {
    const port = await freePort();
    using _ = await feeder({ path, port, fps });
    await using stack = new AsyncDisposableStack();
    const origin = stack.use(
      await Services.start({ path, only: 'visualizer', redactorPort: port, environment: HISTORY }),
    );
    await origin.live();
    const relays: Services[] = [];
    for (let i = 0; i < IN_A_ROW; i += 1) {
      const source = `${(relays.at(-1) ?? origin).url}/stream.mjpg`;
      const started = await Services.start({
        path,
        only: 'visualizer',
        environment: { ...HISTORY, SOURCE_URL: source },
      });
      relays.push(stack.use(started));
      await started.live();
    }
    yield `relay: latency at ${fps} a second, ${plan.latencySeconds} s`;
    const found = await latencies([origin, ...relays], fps, plan.latencySeconds);
    delays.push(...found.delays);
    others = Math.max(others, found.others);
    // The second relay would count as one viewer more.
    await relays.pop()![Symbol.asyncDispose]();
    for (const stream of ['/stream.mjpg', '/stream']) {
      for (const viewers of plan.relayViewers) {
        yield `relay: ${stream} at ${fps} a second, ${viewers} viewers`;
        points.push(await costOf(relays[0]!, stream, fps, viewers, plan.costSeconds));
      }
    }
  }
  yield 'relay: a history in which each picture replaces another';
  points.push(await turningHistory(path, plan.costSeconds));
  yield delayTable(delays, others);
  yield costTable(points);
  return { verdicts: [...judgeCost(points), ...judgeDelay(delays)], raw: { points, delays, others } };
}

/** Watches at each place at once. */
async function latencies(places: Services[], fps: number, seconds: number) {
  await using stack = new AsyncDisposableStack();
  const watching: Viewers[] = [];
  for (const { port } of places)
    watching.push(
      stack.use(await Viewers.watch({ port, path: '/stream.mjpg', viewers: 1, framing: 'chunks' })),
    );
  await sleep(SETTLE_MS);
  const tallies = () => Promise.all(watching.map(each => each.tally()));
  await tallies();
  const ownMs = () => sum(places.map(place => usage(place.pid('visualizer'))!.cpuMs));
  const [busyMs, beforeMs] = [machineBusyMs(), ownMs()];
  await sleep(1000 * seconds);
  const found = await tallies();
  const delays = found.map(
    ({ latenciesMs }, i): Delay => ({
      viewer: `${fps} a second, ${['at the origin', 'at its relay', 'at a relay of that one'][i]}`,
      ms: ADDED.map(q => quantile(latenciesMs, q)),
      frames: latenciesMs.length,
    }),
  );
  return { delays, others: othersShare(machineBusyMs() - busyMs, ownMs() - beforeMs, seconds) };
}

/** Pictures that stay in the history for a while are old when they leave it, and cost more to collect. */
async function turningHistory(path: string, seconds: number): Promise<Point> {
  const environment = { ...HISTORY, LOOP_FRAMES: '100' };
  await using origin = await Services.start({ path, fps: 30, environment });
  await origin.live();
  const source = { SOURCE_URL: `${origin.url}/stream.mjpg` };
  await using own = await Services.start({
    path,
    only: 'visualizer',
    environment: { ...environment, ...source },
  });
  await own.live();
  // It has had more pictures than it keeps.
  await sleep(2 * SETTLE_MS);
  const stream = '/stream.mjpg';
  const point = await costOf(own, stream, 30, 1, Math.max(seconds, 10));
  return { ...point, label: `${stream} at 30, 1 viewer, each picture new` };
}

async function costOf(
  relayed: Services,
  stream: string,
  fps: number,
  viewers: number,
  seconds: number,
): Promise<Point> {
  await using load = await Viewers.watch({ port: relayed.port, path: stream, viewers, framing: 'chunks' });
  await sleep(SETTLE_MS);
  await load.tally();
  const pid = relayed.pid('visualizer');
  const before = usage(pid)!;
  await sleep(1000 * seconds);
  const tally = await load.tally();
  const after = usage(pid)!;
  return {
    label: `${stream} at ${fps}, ${viewers} viewers`,
    stream,
    fps,
    viewers,
    got: viewers > 0 ? sum(tally.frames) / viewers / tally.seconds : fps,
    megabytes: tally.bytes / 1e6 / tally.seconds,
    cpuPercent: (after.cpuMs - before.cpuMs) / tally.seconds / 10,
    residentMb: after.residentKb / 1024,
  };
}

const allowed = ({ megabytes }: Point): number => MOST_CPU.percent + MOST_CPU.aMegabyte * megabytes;

function judgeCost(points: readonly Point[]): Verdict[] {
  return ['/stream.mjpg', '/stream'].map(stream => {
    const own = points.filter(point => point.stream === stream);
    const worst = Math.max(...own.map(point => point.cpuPercent / allowed(point)));
    return {
      what: `a relay’s CPU on ${stream}, worst of ${own.length}`,
      found: `${number(worst, 2)} ×`,
      target: `≤ 1 × (${MOST_CPU.percent} % + ${MOST_CPU.aMegabyte} % a MB/s)`,
      met: worst <= 1,
    };
  });
}

function judgeDelay(delays: readonly Delay[]): Verdict[] {
  const added = delays.flatMap(({ viewer, ms }, i) =>
    viewer.endsWith('origin') ? [] : [ms[0]! - delays[i - 1]!.ms[0]!],
  );
  const worst = Math.max(...added);
  return [
    {
      what: `latency that a relay adds, p50, worst of ${added.length}`,
      found: `${number(worst)} ms`,
      target: `≤ ${MOST_ADDED_MS} ms`,
      met: worst <= MOST_ADDED_MS,
    },
  ];
}

function delayTable(delays: readonly Delay[], others: number): Table {
  return {
    title: 'Latency in a viewer’s hand, /stream.mjpg, 1080p, milliseconds',
    columns: ['', 'frames', 'p50', 'p90', 'p99', 'added: p50', 'p90', 'p99'],
    rows: delays.map(({ viewer, ms, frames }, i) => {
      const before = viewer.endsWith('origin') ? undefined : delays[i - 1];
      return [
        viewer,
        String(frames),
        ...ms.map(value => number(value)),
        ...ms.map((value, at) => (before ? number(value - before.ms[at]!) : '')),
      ];
    }),
    notes: [`Other programs used at most ${number(100 * others, 0)} % of the machine, the viewers included.`],
  };
}

function costTable(points: readonly Point[]): Table {
  const notes = ['/stream.mjpg', '/stream'].map(stream => {
    const own = points.filter(point => point.stream === stream);
    const terms = own.map(({ fps, megabytes }) => [1, fps, megabytes]);
    const [fixed, aFrame, aMegabyte] = leastSquares(
      terms,
      own.map(({ cpuPercent }) => cpuPercent),
    );
    return `${stream}: CPU % = ${number(fixed!, 2)} + ${number(aFrame!, 3)} × frames/s + ${number(aMegabyte!, 4)} × MB/s`;
  });
  return {
    title: 'Cost of a relay, 1080p, CPU in per cent of one processor',
    columns: ['', 'fps a viewer', 'MB/s out', 'CPU %', 'allowed', 'MB'],
    rows: points.map(point => [
      point.label,
      number(point.got),
      number(point.megabytes, 0),
      number(point.cpuPercent),
      number(allowed(point)),
      number(point.residentMb, 0),
    ]),
    notes,
  };
}
