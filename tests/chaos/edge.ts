import { freePort } from '../support/ports.ts';
import { type RunningService, startProcess } from '../support/services.ts';
import { until } from '../support/until.ts';
import type { Rig, Settings } from './rig.ts';
import { LIMIT_MS } from './verdict.ts';
import { Witness } from './witness.ts';

/** One more visualizer, beside the chain's own, with a viewer of its own. */
export interface Edge extends AsyncDisposable {
  service: RunningService;
  /** Starts it again with the same settings. */
  again(): void;
  /** @throws if its picture does not move within the limit */
  live(): Promise<void>;
}

/** @param headers what its viewer shows to be let in */
export async function edge(
  rig: Rig,
  settings: Settings,
  { scheme = 'http', headers = {} }: { scheme?: string; headers?: Record<string, string> } = {},
): Promise<Edge> {
  const port = await freePort();
  const witness = new Witness(`${scheme}://127.0.0.1:${port}`, headers);
  const start = () => {
    const all = { REDACTOR_HOST: '127.0.0.1', REDACTOR_PORT: rig.ports.redactor, ...settings };
    const command = ['apps/visualizer/main.ts'];
    const service = startProcess('edge', process.execPath, command, { ...all, VISUALIZER_PORT: port });
    rig.logs('edge', service);
    return service;
  };
  const made: Edge = {
    service: start(),
    again() {
      made.service = start();
    },
    async live() {
      const sinceMs = performance.now();
      await until(() => witness.newest.atMs > sinceMs, 'the other visualizer’s picture', LIMIT_MS);
    },
    async [Symbol.asyncDispose]() {
      witness[Symbol.dispose]();
      rig.witness.offences.push(...witness.offences);
      await made.service[Symbol.asyncDispose]();
    },
  };
  try {
    await until(() => witness.frames > 0, 'the other visualizer’s picture');
  } catch (thrown) {
    await made[Symbol.asyncDispose]();
    throw thrown;
  }
  return made;
}
