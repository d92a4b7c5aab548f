/** `npm start`: runs the whole chain on this machine, with a readable log, until Ctrl-C or until a service cannot go on. */
import { styleText } from 'node:util';
import { prettyFactory } from 'pino-pretty';
import { prettyOptions } from '../apps/common/log.ts';
import { LogOutput } from '../apps/common/log-output.ts';
import { endWhenAbandoned } from './start/abandoned.ts';
import { pictureAddress } from './start/announce.ts';
import { addressesOf, configurationFaults } from './start/environment.ts';
import { type RunningService, startService } from './start/service.ts';

const SERVICES = [
  ['playback', 'cyan'],
  ['redactor', 'magenta'],
  ['visualizer', 'green'],
] as const;

const pretty = prettyFactory({ ...prettyOptions, colorize: styleText('red', '') !== '' });

const faults = configurationFaults(process.env);
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 2;
} else {
  await run();
}

async function run(): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  // Ctrl-C reaches the services from the terminal too; a second signal does them no harm.
  process.on('SIGINT', () => stop.abort()).on('SIGTERM', () => stop.abort());
  endWhenAbandoned(() => stop.abort(), signal);
  // Lines wait for a reader and are dropped in the end: a full pipe or disk must not stop the picture, nor us from ending.
  const output: LogOutput = new LogOutput((lines, why) =>
    print(`${lines} lines of the log were lost: ${why}`),
  );
  const print = (line: string) => output.write(`${line}\n`);
  process.stderr.on('error', () => {});

  const services = new Map<string, RunningService>();
  for (const [name, colour] of SERVICES) {
    const label = styleText(colour, name.padEnd(10));
    services.set(
      name,
      startService(name, line => print(`${label} ${readable(line)}`), signal),
    );
  }
  const ended = [...services].map(async ([name, service]) => {
    const { code, signal: how } = await service.ended;
    if (signal.aborted) return;
    if (code === 0) {
      print(`${name} has finished; the others go on. Ctrl-C stops them.`);
      return;
    }
    console.error(`${name} cannot go on (${how ?? `exit code ${code}`}); stopping the others.`);
    process.exitCode = code ?? 1;
    stop.abort();
  });
  void pictureAddress(name => services.get(name)?.pid, addressesOf(process.env), signal).then(address => {
    if (address) print(styleText('bold', `\n  The picture is live: open ${address}\n`));
  });
  await Promise.all(ended);
  stop.abort();
}

function readable(line: string): string {
  try {
    return pretty(JSON.parse(line)).trimEnd();
  } catch {
    return line;
  }
}
