import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { readEnv, type Schema } from '../../apps/common/env.ts';
import { asError } from '../../apps/common/errors.ts';
import { schema as playback } from '../../apps/playback/config.ts';
import { schema as redactor } from '../../apps/redactor/config.ts';
import { schema as visualizer } from '../../apps/visualizer/config.ts';

export type ServiceName = 'playback' | 'redactor' | 'visualizer';

const SCHEMAS: Record<ServiceName, Schema> = { playback, redactor, visualizer };
/** Addresses to listen on that nobody can connect to. */
const WILDCARDS = new Set(['*', '0.0.0.0', '[::]']);

/**
 * Returns a service's variables. Raw imagery is not for the network, so a host that is not set is loopback. Playback and the
 * redactor share METRICS_PORT: the redactor gets the next one.
 */
export function environmentOf(name: ServiceName, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const peer = { playback: undefined, redactor: 'PLAYBACK_HOST', visualizer: 'REDACTOR_HOST' }[name];
  const hosts = ['PLAYBACK_HOST', 'REDACTOR_HOST'].map(variable => {
    const host = environment[variable] || '127.0.0.1';
    return [variable, variable === peer && WILDCARDS.has(host) ? '127.0.0.1' : host];
  });
  const metrics = Number(environment['METRICS_PORT']);
  const next = name === 'redactor' && metrics > 0 && { METRICS_PORT: String(metrics + 1) };
  return { ...environment, ...Object.fromEntries(hosts), ...next };
}

/** Returns every bad variable of any service, so that all are reported before one service starts. */
export function configurationFaults(environment: NodeJS.ProcessEnv): string[] {
  const found = new Set<string>();
  for (const [name, schema] of Object.entries(SCHEMAS)) {
    try {
      readEnv(schema, environmentOf(name as ServiceName, environment));
    } catch (thrown) {
      for (const fault of asError(thrown).message.split('; ')) found.add(fault);
    }
  }
  return [...found, ...samePorts(environment), ...fileElsewhere(environment)];
}

/** Returns a sentence if DATA_FILE is there from where the operator typed npm start, and not from here, where npm runs it. */
function fileElsewhere({ DATA_FILE: file, INIT_CWD: typedIn }: NodeJS.ProcessEnv): string[] {
  if (!file || !typedIn || isAbsolute(file) || existsSync(file)) return [];
  const there = resolve(typedIn, file);
  if (!existsSync(there)) return [];
  return [
    `DATA_FILE ${file} is in ${typedIn}, and npm start looks in ${process.cwd()}; set DATA_FILE to ${there}`,
  ];
}

/** Returns a sentence for each port that two of the services would listen on. */
function samePorts(environment: NodeJS.ProcessEnv): string[] {
  const set = (variable: string, ours: number) => Number(environment[variable] || ours);
  const metrics = set('METRICS_PORT', 0);
  const ports = [
    ['PLAYBACK_PORT', set('PLAYBACK_PORT', playback.PLAYBACK_PORT.default)],
    ['REDACTOR_PORT', set('REDACTOR_PORT', redactor.REDACTOR_PORT.default)],
    ['VISUALIZER_PORT', set('VISUALIZER_PORT', visualizer.VISUALIZER_PORT.default)],
    ...(metrics > 0
      ? ([
          ['METRICS_PORT', metrics],
          ["METRICS_PORT's next, for the redactor,", metrics + 1],
        ] as const)
      : []),
  ] as const;
  return ports.flatMap(([name, port], i) => {
    const other = ports.slice(0, i).find(([, taken]) => taken === port);
    return other ? [`${other[0]} and ${name} are both ${port}; give each a port of its own`] : [];
  });
}

/** Returns where each service listens, and the address at which a browser on this machine reaches the last of them. */
export function addressesOf(environment: NodeJS.ProcessEnv) {
  const { PLAYBACK_PORT, REDACTOR_PORT } = readEnv(redactor, environment);
  const { VISUALIZER_HOST, VISUALIZER_PORT } = readEnv(visualizer, environment);
  return {
    ports: { playback: PLAYBACK_PORT, redactor: REDACTOR_PORT, visualizer: VISUALIZER_PORT },
    webHost: WILDCARDS.has(VISUALIZER_HOST) ? '127.0.0.1' : VISUALIZER_HOST,
  };
}
