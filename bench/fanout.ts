import { type ChildProcess, fork, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { BareTask } from './bare-server.ts';
import { freePort } from './chain.ts';
import { clip } from './clips.ts';
import { sleep } from './latency.ts';
import { FLAT } from './memory.ts';
import { message } from './part.ts';
import { gstreamer } from './peers.ts';
import type { Plan } from './plan.ts';
import { lineChart } from './plot.ts';
import { usage } from './proc.ts';
import { FOLDER, number, type Section, type Table, type Verdict, writeResult } from './report.ts';
import { Services } from './services.ts';
import { median } from './statistics.ts';
import { type Tally, Viewers, type ViewerTask } from './viewers.ts';

const FPS = 30;
const FRAME = `${FOLDER}/frame.jpg`;
const SETTLE_S = 1.5;
const CALM_SHARE = 0.95;

/** Something that serves one picture, so many times a second, to everyone who connects. */
interface Server {
  name: string;
  task: Omit<ViewerTask, 'viewers' | keyof Hindrance>;
  pid: number;
}

/** Viewers that can't follow, besides those that are counted. */
type Hindrance = Required<Pick<ViewerTask, 'stalled' | 'modem'>>;

const NONE: Hindrance = { stalled: 0, modem: 0 };
const HALF: Hindrance = { stalled: 25, modem: 25 };

interface Row extends Hindrance {
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

/** One visualizer, fed with ready frames, and as many viewers as it allows; then what there is to reach. */
export async function* fanout(plan: Plan): Section {
  const path = await clip('sample', '1080p', 300);
  const port = await freePort();
  const feeder = await forked('./feeder.ts', { path, port, fps: FPS });
  try {
    await using services = await Services.start({
      path,
      only: 'visualizer',
      redactorPort: port,
      environment: { MAX_VIEWERS: '400' },
    });
    await services.live();
    const jpeg = Buffer.from(await (await fetch(`${services.url}/snapshot.jpg`)).arrayBuffer());
    writeFileSync(FRAME, jpeg);
    const web = Number(new URL(services.url).port);
    const own = (stream: string): Server => ({
      name: 'noaa-pod',
      task: { port: web, path: stream, framing: 'chunks' },
      pid: services.pid('visualizer'),
    });
    const contests: { stream: string; servers: Server[]; stop: (() => void)[] }[] = [
      { stream: '/stream', servers: [own('/stream'), await bare('sse')], stop: [] },
      {
        stream: '/stream.mjpg',
        servers: [
          own('/stream.mjpg'),
          await bare('part'),
          ...(plan.peers.includes(gstreamer) ? [await tcpServerSink(jpeg.length)] : []),
        ],
        stop: [],
      },
    ];
    const rows: Row[][] = [];
    try {
      for (const { stream, servers } of contests) {
        for (const viewers of plan.viewers) {
          yield `fanout: ${stream}, ${viewers} viewers`;
          const turns: Row[][] = servers.map(() => []);
          for (let round = 0; round < plan.fanoutRounds; round += 1) {
            for (const [i, server] of servers.entries()) {
              turns[i]!.push(await watch(server, stream, viewers, NONE, plan.fanoutSeconds));
            }
          }
          rows.push(...turns);
        }
      }
      yield 'fanout: beside viewers that can’t follow';
      const calm: Row[] = [];
      const rough: Row[] = [];
      for (let round = 0; round < plan.fanoutRounds; round += 1) {
        calm.push(await watch(own('/stream'), '/stream', 50, NONE, plan.fanoutSeconds));
        rough.push(await watch(own('/stream'), '/stream', 50, HALF, plan.fanoutSeconds));
      }
      const { table, verdicts } = report(rows, calm, rough, jpeg.length, plan);
      yield table;
      return { verdicts, raw: { rounds: rows, calm, rough } };
    } finally {
      for (const { servers } of contests)
        for (const { name, pid } of servers) if (name !== 'noaa-pod') process.kill(pid);
    }
  } finally {
    feeder.kill();
  }
}

async function watch(
  server: Server,
  stream: string,
  viewers: number,
  hindrance: Hindrance,
  seconds: number,
): Promise<Row> {
  await using load = await Viewers.watch({ ...server.task, viewers, ...hindrance });
  await sleep(SETTLE_S);
  await load.tally();
  const before = usage(server.pid)!;
  await sleep(seconds);
  const tally: Tally = await load.tally();
  const after = usage(server.pid)!;
  const rates = tally.frames.map(frames => frames / tally.seconds);
  return {
    server: server.name,
    stream,
    viewers,
    ...hindrance,
    fps: { min: Math.min(...rates), median: median(rates) },
    megabytes: tally.bytes / 1e6 / tally.seconds,
    cpuMs: (after.cpuMs - before.cpuMs) / tally.seconds,
    loadCpuMs: tally.cpuMs / tally.seconds,
    residentMb: after.residentKb / 1024,
  };
}

async function forked(file: string, task: object): Promise<ChildProcess> {
  const child = fork(new URL(file, import.meta.url), [JSON.stringify(task)]);
  await message(child);
  return child;
}

async function bare(stream: BareTask['stream']): Promise<Server> {
  const task: BareTask = { jpeg: FRAME, fps: FPS, stream };
  const child = fork(new URL('./bare-server.ts', import.meta.url), [JSON.stringify(task)]);
  const [port] = [await message<number>(child)];
  return { name: 'bare Node server', task: { port, path: '/', framing: 'chunks' }, pid: child.pid! };
}

/** GStreamer's own fan-out, of the same picture as often; a client that can't follow is moved on to the newest. */
async function tcpServerSink(frameBytes: number): Promise<Server> {
  const port = await freePort();
  const pipeline =
    // It encodes as often as the visualizer does: a source of ready pictures gives no times to pace them by.
    `filesrc location=${FRAME} ! jpegdec ! imagefreeze ! video/x-raw,framerate=${FPS}/1 ! jpegenc quality=85 ! ` +
    `multipartmux boundary=frame ! ` +
    `tcpserversink host=127.0.0.1 port=${port} sync=true recover-policy=latest units-max=18 units-soft-max=9`;
  const child = spawn('gst-launch-1.0', ['-q', ...pipeline.split(' ')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await sleep(1);
  return { name: 'tcpserversink', task: { port, path: '', framing: { frameBytes } }, pid: child.pid! };
}

/** The rows of one server, stream and number of viewers, as one: medians of the rounds, and the least of all. */
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

function report(
  rounds: Row[][],
  calm: Row[],
  rough: Row[],
  jpegBytes: number,
  plan: Plan,
): { table: Table; verdicts: Verdict[] } {
  const rows = rounds.map(merge);
  const reference = (row: Row, server: string) => {
    const find = (name: string) =>
      rounds.find(
        ([one]) => one!.server === name && one!.stream === row.stream && one!.viewers === row.viewers,
      );
    const [own, other] = [find('noaa-pod'), find(server)];
    return own && other ? median(own.map((one, i) => one.megabytes / other[i]!.megabytes)) : Number.NaN;
  };
  const line = (row: Row) => [
    `${row.stream}, ${row.viewers}${row.stalled > 0 ? ` beside ${row.stalled} stalled, ${row.modem} at 56 kbit/s` : ''}`,
    row.server,
    number(row.fps.median),
    number(row.fps.min),
    number(row.megabytes, 0),
    row.server === 'noaa-pod' ? '' : number(reference(row, row.server), 2),
    number(row.cpuMs / 10, 0),
    number((1000 * row.cpuMs) / (row.fps.median * row.viewers), 0),
    number(row.loadCpuMs / 10, 0),
    number(row.residentMb, 0),
  ];
  const [quiet, loud] = [merge(calm), merge(rough)];
  const kept = median(rough.map((row, i) => row.fps.median / calm[i]!.fps.median));
  const verdicts: Verdict[] = [];
  for (const [server, target] of [
    ['bare Node server', 0.8],
    ['tcpserversink', 1],
  ] as const) {
    for (const row of rows.filter(one => one.server === server)) {
      const found = reference(row, server);
      verdicts.push({
        what: `fan-out, ${row.stream}, ${row.viewers} viewers, MB/s over ${server}’s`,
        found: `${number(found, 2)} ×`,
        target: `≥ ${target} ×`,
        // What the timers of two servers differ by is no difference.
        met: found >= target - 0.005,
      });
    }
  }
  verdicts.push({
    what: 'fan-out, 50 viewers beside 25 that take nothing and 25 at 56 kbit/s, of the rate without them',
    found: `${number(100 * kept, 0)} %`,
    target: `≥ ${100 * CALM_SHARE} %`,
    met: kept >= CALM_SHARE,
  });
  if (rough.length > 1) {
    const growth = rough.at(-1)!.residentMb / rough[0]!.residentMb - 1;
    verdicts.push({
      what: 'fan-out, memory beside them: growth from the first round to the last',
      found: `${number(100 * growth)} %`,
      target: `≤ ${100 * FLAT} %`,
      met: growth <= FLAT,
    });
  }
  const names = [...new Set(rows.map(row => `${row.server}, ${row.stream}`))];
  writeResult(
    'fanout.svg',
    lineChart(
      `Fan-out of a ${number(jpegBytes / 1000, 0)} kB JPEG, ${FPS} times a second`,
      'MB a second, more is better',
      'viewers',
      names.map(name => ({
        name,
        points: rows
          .filter(row => `${row.server}, ${row.stream}` === name)
          .map(row => [row.viewers, row.megabytes] as const),
      })),
    ),
  );
  const table: Table = {
    title: `Fan-out of a ${number(jpegBytes / 1000, 0)} kB JPEG, ${FPS} times a second, load on the same machine, ${plan.fanoutRounds} rounds`,
    columns: [
      'viewers',
      'server',
      'fps median',
      'fps least',
      'MB/s',
      'ours ×',
      'CPU %',
      'CPU µs a frame and viewer',
      'load’s CPU %',
      'MB resident',
    ],
    rows: [...rows, quiet, loud].map(line),
    notes: plan.peers.includes(gstreamer) ? [] : ['MISSING, so not compared with: GStreamer’s tcpserversink'],
  };
  return { table, verdicts };
}
