/** `npm start`: the whole chain on this machine, with its log for people, until Ctrl-C or until a part can't go on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { prettyFactory } from 'pino-pretty';
import { readEnv } from '../apps/common/env.ts';
import { asError } from '../apps/common/errors.ts';
import { prettyOptions } from '../apps/common/log.ts';
import { schema as playback } from '../apps/playback/config.ts';
import { schema as redactor } from '../apps/redactor/config.ts';
import { schema as visualizer } from '../apps/visualizer/config.ts';

const SERVICES = [
  { name: 'playback', colour: 'cyan', schema: playback },
  { name: 'redactor', colour: 'magenta', schema: redactor },
  { name: 'visualizer', colour: 'green', schema: visualizer },
] as const;
const WILDCARDS = new Set(['*', '0.0.0.0', '[::]']);
const POLL_MS = 50;
/** A service promises to end within a second of SIGTERM. */
const KILL_MS = 1500;

const pretty = prettyFactory({ ...prettyOptions, colorize: styleText('red', '') !== '' });
const children = new Map<string, ChildProcess>();
const ended: Promise<void>[] = [];
let stopping = false;

const faults = configurationFaults();
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 2;
} else {
  for (const { name, colour } of SERVICES) start(name, colour);
  // Ctrl-C reaches the children from the terminal too; a second signal does them no harm.
  process.on('SIGINT', stopAll).on('SIGTERM', stopAll);
  void announce();
  await Promise.all(ended);
}

/** Every bad variable of any service, before one is started: each service would tell of its own and end. */
function configurationFaults(): string[] {
  const found = new Set<string>();
  for (const { name, schema } of SERVICES) {
    try {
      readEnv(schema, environmentOf(name));
    } catch (thrown) {
      for (const fault of asError(thrown).message.split('; ')) found.add(fault);
    }
  }
  return [...found];
}

function start(name: string, colour: 'cyan' | 'magenta' | 'green'): void {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL(`../apps/${name}/main.ts`, import.meta.url))],
    {
      env: environmentOf(name),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  children.set(name, child);
  const label = styleText(colour, name.padEnd(10));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => console.log(`${label} ${readable(line)}`));
  }
  ended.push(
    new Promise(resolve => {
      child.once('close', (code, signal) => {
        children.delete(name);
        resolve();
        onEnd(name, code, signal);
      });
    }),
  );
}

/**
 * Raw imagery is not for the network: what is not set binds to loopback. A wildcard is no place to connect to. Two services
 * have metrics on a port of their own, and one variable: the redactor gets the next.
 */
function environmentOf(name: string): NodeJS.ProcessEnv {
  const peer = { redactor: 'PLAYBACK_HOST', visualizer: 'REDACTOR_HOST' }[name];
  const hosts = ['PLAYBACK_HOST', 'REDACTOR_HOST'].map(variable => {
    const host = process.env[variable] || '127.0.0.1';
    return [variable, variable === peer && WILDCARDS.has(host) ? '127.0.0.1' : host];
  });
  const metrics = Number(process.env['METRICS_PORT']);
  const next = name === 'redactor' && metrics > 0 && { METRICS_PORT: String(metrics + 1) };
  return { ...process.env, ...Object.fromEntries(hosts), ...next };
}

function readable(line: string): string {
  try {
    return pretty(JSON.parse(line)).trimEnd();
  } catch {
    return line;
  }
}

function onEnd(name: string, code: number | null, signal: NodeJS.Signals | null): void {
  if (stopping) return;
  if (code === 0) {
    console.log(`${name} has finished; the others go on. Ctrl-C stops them.`);
    return;
  }
  console.error(`${name} cannot go on (${signal ?? `exit code ${code}`}); stopping the others.`);
  process.exitCode = code ?? 1;
  stopAll();
}

function stopAll(): void {
  if (stopping) return;
  stopping = true;
  for (const child of children.values()) child.kill('SIGTERM');
  setTimeout(() => {
    for (const child of children.values()) child.kill('SIGKILL');
  }, KILL_MS).unref();
}

/** Says where to look once a redacted frame is really being served. */
async function announce(): Promise<void> {
  const host = process.env['VISUALIZER_HOST'] || 'localhost';
  const port = process.env['VISUALIZER_PORT'] || '8050';
  const reachable = WILDCARDS.has(host) ? 'localhost' : host;
  while (!stopping && children.has('visualizer')) {
    const answer = await fetch(`http://${reachable}:${port}/snapshot.jpg`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) {
      console.log(styleText('bold', `\n  The picture is live: open http://${reachable}:${port}\n`));
      return;
    }
    await sleep(POLL_MS);
  }
}
