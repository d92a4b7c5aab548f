import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdPorts } from '../../tests/support/held-ports.ts';
import { freePorts } from '../../tests/support/ports.ts';
import { childrenOf, commandOf } from '../../tests/support/processes.ts';
import { until } from '../../tests/support/until.ts';
import { clip } from '../clips.ts';
import type { FeederTask } from '../load/feeder.ts';
import { Viewers } from '../load/viewers.ts';
import type { Plan } from '../plan.ts';
import { usage } from '../proc.ts';
import { number, type Section } from '../report.ts';
import { median } from '../statistics.ts';

const FPS = 30;
const SETTLE_MS = 1500;
const VIEWERS = [1, 50, 200];
/** Of the pod, where nothing else has it. */
const PORT = 8050;
const MAIN = 'apps/visualizer/main.ts';

/** One way that viewers take to a visualizer, which is fed ready frames. */
interface Way extends AsyncDisposable {
  name: string;
  port: number;
  visualizer: number;
  /** The process that carries the bytes across, if one does. */
  carrier?: number;
}

/** A visualizer on the host; in a network of its own with the socket that systemd would hold; and behind pasta. */
export async function* ways(plan: Plan): Section {
  const path = await clip('sample', '1080p', 300);
  await using stack = new AsyncDisposableStack();
  yield 'ways: starting';
  const all = [stack.use(await bare(path)), stack.use(await bySocket(path))];
  const pasta = await byPasta(path);
  if (pasta) all.push(stack.use(pasta));
  const rounds: Row[] = [];
  for (const viewers of VIEWERS.filter(count => count <= Math.max(...plan.viewers))) {
    yield `ways: ${viewers} viewers`;
    for (let round = 0; round < plan.fanoutRounds; round += 1)
      for (const way of all) rounds.push(await watch(way, viewers, plan.fanoutSeconds));
  }
  const groups = Map.groupBy(rounds, ({ way, viewers }) => `${viewers} ${way}`);
  yield {
    title: `Ways to the pod: /stream at ${FPS} frames a second of 1080p, ${plan.fanoutRounds} rounds of ${plan.fanoutSeconds} s`,
    columns: [
      ...['viewers', 'way', 'fps median', 'fps least', 'MB/s', 'visualizer’s CPU %', 'pasta’s CPU %'],
      ...['latency ms, median', 'p99', 'client’s address'],
    ],
    rows: [...groups.values()].map(line),
    notes: pasta ? [] : ['MISSING, so not compared with: pasta (apt-get install passt)'],
  };
  return { verdicts: [], raw: rounds };
}

interface Row {
  way: string;
  viewers: number;
  fps: { median: number; least: number };
  megabytes: number;
  cpuMs: number;
  carrierMs: number;
  latency: { median: number; p99: number };
  address: string;
}

async function watch(way: Way, viewers: number, seconds: number): Promise<Row> {
  await using load = await Viewers.watch({ port: way.port, path: '/stream', framing: 'chunks', viewers });
  await sleep(SETTLE_MS);
  await load.tally();
  const cpuOf = (pid?: number) => (pid === undefined ? 0 : (usage(pid)?.cpuMs ?? 0));
  const before = [cpuOf(way.visualizer), cpuOf(way.carrier)] as const;
  await sleep(1000 * seconds);
  const tally = await load.tally();
  const rates = tally.frames.map(frames => frames / tally.seconds);
  const latencies = tally.latenciesMs.sort((a, b) => a - b);
  return {
    way: way.name,
    viewers,
    fps: { median: median(rates), least: Math.min(...rates) },
    megabytes: tally.bytes / 1e6 / tally.seconds,
    cpuMs: (cpuOf(way.visualizer) - before[0]) / tally.seconds,
    carrierMs: (cpuOf(way.carrier) - before[1]) / tally.seconds,
    latency: { median: median(latencies), p99: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN },
    address: ((await status(way.port)) as { client: { address: string } }).client.address,
  };
}

function line(rows: Row[]): string[] {
  const middle = (figure: (row: Row) => number) => median(rows.map(figure));
  const { viewers, way, address } = rows[0]!;
  return [
    String(viewers),
    way,
    number(middle(({ fps }) => fps.median)),
    number(Math.min(...rows.map(({ fps }) => fps.least))),
    number(
      middle(({ megabytes }) => megabytes),
      0,
    ),
    number(
      middle(({ cpuMs }) => cpuMs / 10),
      0,
    ),
    number(
      middle(({ carrierMs }) => carrierMs / 10),
      0,
    ),
    number(middle(({ latency }) => latency.median)),
    number(middle(({ latency }) => latency.p99)),
    address,
  ];
}

/** What runs on each side of the way: a feeder, and the visualizer in the place of the shell. */
async function podOf(path: string, web: number) {
  const [frames] = (await freePorts(1)) as [number];
  const task: FeederTask = { path, port: frames, fps: FPS };
  const script = `PATH=$PATH:/usr/sbin; ip link set lo up 2>/dev/null; "$0" bench/load/feeder.ts "$1" & exec "$0" ${MAIN}`;
  return {
    argv: ['sh', '-c', script, process.execPath, JSON.stringify(task)],
    env: {
      REDACTOR_HOST: '127.0.0.1',
      REDACTOR_PORT: String(frames),
      VISUALIZER_PORT: String(web),
      VISUALIZER_HOST: '0.0.0.0',
      MAX_VIEWERS: '400',
      LOOP_MB: '0',
      LOG_LEVEL: 'error',
    },
  };
}

async function bare(path: string): Promise<Way> {
  const [port] = (await freePorts(1)) as [number];
  const { argv, env } = await podOf(path, port);
  const child = spawn(argv[0]!, argv.slice(1), { env: { ...process.env, ...env }, stdio: 'ignore' });
  return await live({ name: 'bare Node', port, visualizer: child.pid! }, () => end(child.pid!));
}

async function bySocket(path: string): Promise<Way> {
  const held = await holdPorts();
  const { argv, env } = await podOf(path, PORT);
  const visualizer = await held.start(['unshare', '--user', '--map-root-user', '--net', ...argv], env);
  return await live({ name: 'pod, by socket', port: held.ports[0]!, visualizer }, async () => {
    end(visualizer);
    await held[Symbol.asyncDispose]();
  });
}

/** As podman publishes a port of a rootless pod, on the loopback. Undefined where pasta is missing. */
async function byPasta(path: string): Promise<Way | undefined> {
  const [port] = (await freePorts(1)) as [number];
  const { argv, env } = await podOf(path, PORT);
  // By itself pasta changes to a user who may not make the network.
  const asRoot = process.getuid?.() === 0 ? ['--runas', '0'] : [];
  const publish = ['--foreground', '--quiet', '--config-net', '-t', `127.0.0.1/${port}:${PORT}`];
  const [command, rest] = ['pasta', [...asRoot, ...publish, '--', ...argv]];
  const child = spawn(command, rest, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [failed] = await Promise.race([once(child, 'error'), once(child, 'exit'), sleep(1000, [undefined])]);
  if (failed !== undefined) return undefined;
  const way = { name: 'pod, by pasta', port, visualizer: 0, carrier: child.pid! };
  await until(() => {
    way.visualizer = descendantsOf(child.pid!).find(pid => commandOf(pid).endsWith(`${MAIN} `)) ?? 0;
    return way.visualizer > 0;
  }, 'the visualizer behind pasta');
  return await live(way, () => {
    end(way.visualizer);
    child.kill();
  });
}

async function live(way: Omit<Way, typeof Symbol.asyncDispose>, stop: () => unknown): Promise<Way> {
  const isLive = async () => ((await status(way.port)) as { state: string }).state === 'live';
  await until(isLive, `the picture of ${way.name}`);
  return {
    ...way,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

async function status(port: number): Promise<unknown> {
  return await (await fetch(`http://127.0.0.1:${port}/status`)).json();
}

function end(visualizer: number): void {
  for (const pid of [...descendantsOf(visualizer), visualizer]) process.kill(pid, 'SIGTERM');
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap(child => [child, ...descendantsOf(child)]);
}
