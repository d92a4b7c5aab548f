import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../tests/support/ports.ts';
import { childrenOf } from '../../tests/support/processes.ts';
import { until } from '../../tests/support/until.ts';
import { usage } from '../proc.ts';
import { sum } from '../statistics.ts';

export interface ServiceOptions {
  path: string;
  /** Frames a second instead of the clip's own. */
  fps?: number;
  environment?: Record<string, string>;
  /** Starts this one alone; it subscribes to `redactorPort`. */
  only?: 'visualizer';
  redactorPort?: number;
}

/** CPU and memory of the services at one moment. Playback's ffmpeg has a row of its own. */
export type Snapshot = Record<string, { cpuMs: number; residentMb: number; peakMb: number }>;

/** The services themselves, as an operator runs them, on ports of their own. */
export class Services implements AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly #children: [name: string, child: ChildProcess][];

  private constructor(port: number, children: [string, ChildProcess][]) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#children = children;
  }

  /** Starts them all at once and does not wait for a picture. */
  static async start({ path, fps, environment, only, redactorPort }: ServiceOptions): Promise<Services> {
    const [playback, redactor, web] = (await freePorts(3)) as [number, number, number];
    const env = {
      ...process.env,
      DATA_FILE: path,
      PLAYBACK_HOST: '127.0.0.1',
      PLAYBACK_PORT: String(playback),
      REDACTOR_HOST: '127.0.0.1',
      REDACTOR_PORT: String(redactorPort ?? redactor),
      VISUALIZER_HOST: '127.0.0.1',
      VISUALIZER_PORT: String(web),
      LOG_LEVEL: 'error',
      ...(fps === undefined ? {} : { PLAYBACK_FPS: String(fps) }),
      // The clip repeats, and the loop would spare us encoding it again: that is no measure of the chain.
      LOOP_MB: '0',
      ...environment,
    };
    const names = only ? [only] : ['playback', 'redactor', 'visualizer'];
    const children = names.map((name): [string, ChildProcess] => {
      const main = fileURLToPath(new URL(`../../apps/${name}/main.ts`, import.meta.url));
      return [name, spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'inherit'] })];
    });
    return new Services(web, children);
  }

  /** Waits until the picture is live. */
  async live(): Promise<void> {
    await until(async () => {
      const answer = await fetch(`${this.url}/readyz`);
      await answer.body?.cancel();
      return answer.ok;
    }, 'the picture');
  }

  pid(name: string): number {
    return this.#children.find(([own]) => own === name)![1].pid!;
  }

  snapshot(): Snapshot {
    const all: Snapshot = {};
    for (const [name, child] of this.#children) {
      const own = usage(child.pid!);
      if (!own) throw new Error(`${name} has ended`);
      all[name] = { cpuMs: own.cpuMs, residentMb: own.residentKb / 1024, peakMb: own.peakKb / 1024 };
      if (name !== 'playback') continue;
      const decoders = childrenOf(child.pid!).flatMap(pid => usage(pid) ?? []);
      all['ffmpeg'] = {
        cpuMs: own.reapedMs + sum(decoders.map(decoder => decoder.cpuMs)),
        residentMb: sum(decoders.map(decoder => decoder.residentKb)) / 1024,
        // Two when a clip starts over: the next one starts before the last has ended.
        peakMb: sum(decoders.map(decoder => decoder.peakKb)) / 1024,
      };
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.map(async ([, child]) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
        await exit;
        clearTimeout(timer);
      }),
    );
  }
}
