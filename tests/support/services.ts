/** Starts the services as processes of their own, as an operator does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePorts } from './ports.ts';

export type ServiceName = 'playback' | 'redactor' | 'visualizer';

export interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}

export interface RunningService extends AsyncDisposable {
  process: ChildProcess;
  /** What it has logged so far. */
  log: LogLine[];
  /** The exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  /** Resolves to the first log line that fits, past or to come; rejects if none comes within 60 s. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Sends the signal and returns how the service ended, and after how many milliseconds. */
  stop(signal?: NodeJS.Signals): Promise<{ how: number | NodeJS.Signals; ms: number }>;
}

/** On a machine full of other work a start takes several seconds. */
const LOGGED_WITHIN_MS = 60_000;

const root = fileURLToPath(new URL('../../', import.meta.url));

export function startService(name: ServiceName, env: Record<string, string | number>): RunningService {
  return startProcess(name, process.execPath, [`apps/${name}/main.ts`], env);
}

/** Starts any program as a service. A line that is not JSON becomes a log line of level `raw`. */
export function startProcess(
  name: string,
  command: string,
  args: string[],
  env: Record<string, string | number> = {},
): RunningService {
  const values = Object.entries(env).map(([variable, value]) => [variable, String(value)]);
  const child = spawn(command, args, {
    cwd: root,
    env: { PATH: process.env['PATH'], ...Object.fromEntries(values) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => {
      log.push(parseLine(line));
      for (const check of waiting) check();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return {
    process: child,
    log,
    ended,
    logged(fits) {
      return new Promise((resolve, reject) => {
        const fail = (why: string) => {
          waiting.delete(check);
          reject(new Error(`${name} ${why}: ${JSON.stringify(log)}`));
        };
        const late = setTimeout(fail, LOGGED_WITHIN_MS, 'has not logged that in time');
        const check = () => {
          const found = log.find(fits);
          if (!found) return;
          clearTimeout(late);
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
        void ended.then(how => {
          clearTimeout(late);
          fail(`ended (${how}) before it logged that`);
        });
      });
    },
    async stop(signal = 'SIGTERM') {
      const beganMs = performance.now();
      child.kill(signal);
      return { how: await ended, ms: performance.now() - beganMs };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line);
  } catch {
    return { level: 'raw', msg: line };
  }
}

/** Returns the environment of a whole chain on free ports of the loopback. */
export async function chainEnvironment(more: Record<string, string | number> = {}) {
  type Five = [number, number, number, number, number];
  const [playback, redactor, visualizer, metrics, redactorMetrics] = (await freePorts(5)) as Five;
  const common = {
    PLAYBACK_HOST: '127.0.0.1',
    PLAYBACK_PORT: playback,
    REDACTOR_HOST: '127.0.0.1',
    REDACTOR_PORT: redactor,
    VISUALIZER_PORT: visualizer,
    ...more,
  };
  return {
    playback: { ...common, METRICS_PORT: metrics },
    redactor: { ...common, METRICS_PORT: redactorMetrics },
    visualizer: common,
    web: `http://127.0.0.1:${visualizer}`,
    playbackTelemetry: `http://127.0.0.1:${metrics}`,
    redactorTelemetry: `http://127.0.0.1:${redactorMetrics}`,
  };
}

/** Starts all three and waits until the picture is live. */
export async function startChain(more: Record<string, string | number> = {}) {
  const environment = await chainEnvironment(more);
  await using stack = new AsyncDisposableStack();
  const visualizer = stack.use(startService('visualizer', environment.visualizer));
  const redactor = stack.use(startService('redactor', environment.redactor));
  const playback = stack.use(startService('playback', environment.playback));
  await visualizer.logged(line => line['state'] === 'live');
  const services = stack.move();
  return {
    ...environment,
    environment,
    services: { playback, redactor, visualizer },
    [Symbol.asyncDispose]: () => services.disposeAsync(),
  };
}

/** Returns the value of one Prometheus series, by its name and labels as printed; undefined if there is none. */
export async function metric(telemetry: string, series: string): Promise<number | undefined> {
  const text = await (await fetch(`${telemetry}/metrics`)).text();
  const labels = /\{(.*)\}/.exec(series)?.[1]?.split(',') ?? [];
  const name = series.replace(/\{.*/, '');
  const line = text
    .split('\n')
    .find(candidate => candidate.startsWith(`${name}{`) && labels.every(label => candidate.includes(label)));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}
