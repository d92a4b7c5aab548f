/** The chain under test: three services, proxies between them, an ffmpeg that can be told to fail, and a witness. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, copyFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '../support/clips.ts';
import { freePorts } from '../support/ports.ts';
import { childrenOf } from '../support/processes.ts';
import { type LogLine, type RunningService, type ServiceName, startProcess } from '../support/services.ts';
import { until } from '../support/until.ts';
import { FaultyLink } from './faulty-link.ts';
import { FPS, makeNumberedClip } from './numbered-clip.ts';
import { BORDER_PX } from './shown-frames.ts';
import { Witness } from './witness.ts';

export const NAMES = ['playback', 'redactor', 'visualizer'] as const;
const LOOK_MS = 50;
/** Losses are looked at over 10 s, and are over 5 s later. */
const LONGEST_EPISODE_MS = 60_000;
/** What of /status counts, and does not measure. */
const COUNTS = /^(dropped|refused|implausible)\.|^source\.reconnects$|^viewers\.(released|rejected)$/;
/** Of what is on air by default. */
export const WIDTH = 320;
/** The wrapper's word for what it does is in a file, so that it can change while playback runs. */
const WRAPPER = (real: string, folder: string) => `#!/bin/sh
case "$*" in *showinfo*) ;; *) exec ${real} "$@" ;; esac
case "$(cat ${folder}/ffmpeg-mode)" in
garbage) head -c 300000 /dev/urandom; echo garbage >&2; exit 1 ;;
early) ${real} "$@" | head -c 500000; exit 1 ;;
missing) exit 127 ;;
*) exec ${real} "$@" ;;
esac
`;

export interface Seen {
  /** States and sentences of /status, in their order, each once. */
  said: string[];
  /** Figures of /status that grew, e.g. `dropped.upstream`. */
  statusGrew: string[];
  /** What counters grew by, and gauges that left 0. */
  counted: Map<string, number>;
  /** Log lines of all services. */
  logged: (LogLine & { from: string })[];
  /** What was logged before and, as a service sees it, goes on: it has no second line. */
  goingOn: LogLine[];
}

interface Status {
  state: string;
  message: string;
  source: { width: number | null };
}

export type Settings = Record<string, string | number>;

type Ports = Record<ServiceName | 'playbackMetrics' | 'redactorMetrics', number>;

export class Rig implements AsyncDisposable {
  readonly folder: string;
  readonly clip: string;
  readonly web: string;
  readonly witness: Witness;
  readonly beforeRedactor: FaultyLink;
  readonly beforeVisualizer: FaultyLink;
  readonly ports: Readonly<Ports>;
  /** Where the metrics of each service are. */
  readonly hosts: Record<ServiceName, string> = {
    playback: '127.0.0.1',
    redactor: '127.0.0.1',
    visualizer: '127.0.0.1',
  };
  readonly running = new Map<ServiceName, RunningService>();
  /** Clips that have been made in its folder. */
  readonly made = new Set<string>();
  readonly #stack: AsyncDisposableStack;
  readonly #logs: { from: string; lines: LogLine[] }[] = [];
  /** By the lines of the service, and the reason. */
  readonly #goingOn = new Map<LogLine[], Map<unknown, LogLine>>();
  readonly #said: string[] = [];
  /** The highest value of each series since the last mark, summed over restarts. */
  readonly #totals = new Map<string, { grown: number; last: number }>();
  readonly #figures = new Map<string, { grown: number; last: number }>();
  #isEnded = false;

  private constructor(
    folder: string,
    ports: Ports,
    proxies: [FaultyLink, FaultyLink],
    stack: AsyncDisposableStack,
  ) {
    this.folder = folder;
    this.clip = `${folder}/on-air.mp4`;
    this.ports = ports;
    [this.beforeRedactor, this.beforeVisualizer] = proxies;
    this.web = `http://127.0.0.1:${ports.visualizer}`;
    this.witness = stack.use(new Witness(this.web));
    this.#stack = stack;
  }

  static async start(random: () => number): Promise<Rig> {
    await using stack = new AsyncDisposableStack();
    const { path: folder } = stack.use(await temporaryFolder());
    const [playback, redactor, visualizer, playbackMetrics, redactorMetrics] = await freePorts(5);
    const ports = { playback, redactor, visualizer, playbackMetrics, redactorMetrics } as Ports;
    const proxies: [FaultyLink, FaultyLink] = [
      stack.use(await FaultyLink.start({ host: '127.0.0.1', port: ports.playback }, random)),
      stack.use(await FaultyLink.start({ host: '127.0.0.1', port: ports.redactor }, random)),
    ];
    // Longer than what playback keeps, so that ffmpeg runs all the time.
    await makeNumberedClip(`${folder}/whole.mp4`, `${WIDTH}x240`, 6);
    await copyFile(`${folder}/whole.mp4`, `${folder}/on-air.mp4`);
    const real = execFileSync('sh', ['-c', 'command -v ffmpeg'], { encoding: 'utf8' }).trim();
    await writeFile(`${folder}/ffmpeg`, WRAPPER(real, folder));
    await chmod(`${folder}/ffmpeg`, 0o755);
    await writeFile(`${folder}/ffmpeg-mode`, 'well');
    const rig = new Rig(folder, ports, proxies, stack.move());
    rig.startAll();
    void rig.#look();
    await rig.live(performance.now());
    return rig;
  }

  startAll(): void {
    for (const name of NAMES.toReversed()) this.start(name);
  }

  /** Starts a service, with settings of its own and in front of its command what `enter` says. */
  start(name: ServiceName, settings: Settings = {}, enter: string[] = []): RunningService {
    const ports = this.ports;
    const common = { PATH: `${this.folder}:${process.env['PATH']}`, ...mallocSettings() };
    const own: Record<ServiceName, Settings> = {
      playback: {
        DATA_FILE: this.clip,
        PLAYBACK_HOST: '127.0.0.1',
        PLAYBACK_PORT: ports.playback,
        METRICS_PORT: ports.playbackMetrics,
      },
      redactor: {
        PLAYBACK_PORT: this.beforeRedactor.port,
        PLAYBACK_HOST: '127.0.0.1',
        REDACTOR_HOST: '127.0.0.1',
        REDACTOR_PORT: ports.redactor,
        METRICS_PORT: ports.redactorMetrics,
        REDACT_WIDTH: BORDER_PX,
      },
      visualizer: {
        REDACTOR_HOST: '127.0.0.1',
        REDACTOR_PORT: this.beforeVisualizer.port,
        VISUALIZER_PORT: ports.visualizer,
        // Less than a round, so that each picture is the redactor's own and none is recalled from the round before.
        LOOP_FRAMES: 2 * FPS,
      },
    };
    const command = [...enter, process.execPath, `apps/${name}/main.ts`];
    const [program = '', ...args] = command;
    const service = startProcess(name, program, args, { ...common, ...own[name], ...settings });
    this.running.set(name, service);
    this.logs(name, service);
    return service;
  }

  /** Takes in what one more service logs. */
  logs(from: string, { log }: RunningService): void {
    this.#logs.push({ from, lines: log });
  }

  service(name: ServiceName): RunningService {
    return this.running.get(name)!;
  }

  pid(name: ServiceName): number {
    return this.service(name).process.pid!;
  }

  async kill(name: ServiceName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.service(name).stop(signal);
  }

  /** Starts again what has ended by itself, as systemd does; returns what that was, in words. */
  revive(): string[] {
    return NAMES.flatMap(name => {
      const { process: child, log } = this.service(name);
      if (child.exitCode === null && child.signalCode === null) return [];
      const words = log.at(-1)?.msg;
      this.start(name);
      return [`${name} ended with ${child.signalCode ?? child.exitCode}: ${words}`];
    });
  }

  decoders(): number[] {
    return childrenOf(this.pid('playback'));
  }

  async ffmpeg(mode: 'well' | 'garbage' | 'early' | 'missing'): Promise<void> {
    await writeFile(`${this.folder}/ffmpeg-mode`, mode);
    if (mode === 'well') return;
    for (const pid of this.decoders()) process.kill(pid, 'SIGKILL');
  }

  /** Puts another file on air, as an operator does. */
  async play(file: string): Promise<void> {
    await copyFile(file, `${this.clip}.new`);
    await rename(`${this.clip}.new`, this.clip);
  }

  /** Resolves once playback has taken up a clip of this size, which it does at the end of a round. */
  async plays(size: string): Promise<void> {
    const { log } = this.service('playback');
    const before = log.length;
    await until(
      () => log.slice(before).some(({ msg }) => msg.startsWith(`playing ${size} `)),
      `playback to play ${size}`,
      30_000,
    );
  }

  /** Resolves once a frame that was published after this moment has been seen, the usual clip plays and the picture is live. */
  async live(sinceMs: number, limitMs = 20_000): Promise<number> {
    const sinceUnixMs = performance.timeOrigin + sinceMs;
    const { witness } = this;
    await until(
      async () => {
        const { atMs, publishedAt, width } = witness.newest;
        if (atMs < sinceMs || width !== WIDTH) return false;
        // A clock that is wrong says nothing of when the frame was published.
        if ((witness.lie ?? 'position') === 'position' && publishedAt < sinceUnixMs) return false;
        return (await this.status())?.state === 'live';
      },
      'the picture to be live',
      limitMs,
      10,
    );
    return witness.newest.atMs - sinceMs;
  }

  async status(): Promise<Status | undefined> {
    try {
      return (await (await fetch(`${this.web}/status`, answeringSoon())).json()) as Status;
    } catch {
      return undefined;
    }
  }

  /** What a service holds: descriptors, and megabytes that are its own. */
  holds(name: ServiceName): { descriptors: number; anonymousMb: number } {
    const pid = this.pid(name);
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return {
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      anonymousMb: Number(/RssAnon:\s*(\d+)/.exec(status)?.[1] ?? 0) / 1024,
    };
  }

  /** How long the main thread of a service has waited for a processor since its start, in milliseconds (proc(5)). */
  waitedMs(name: ServiceName): number {
    try {
      return Number(readFileSync(`/proc/${this.pid(name)}/schedstat`, 'latin1').split(' ')[1]) / 1e6;
    } catch {
      // A kernel without it, or a service that has just ended.
      return 0;
    }
  }

  /** Forgets what was seen so far. */
  async mark(): Promise<void> {
    await this.#count();
    this.#totals.forEach(total => {
      total.grown = 0;
    });
    this.#figures.forEach(figure => {
      figure.grown = 0;
    });
    this.#said.length = 0;
    for (const { lines } of this.#logs) {
      const open = this.#goingOn.get(lines) ?? new Map<unknown, LogLine>();
      for (const line of lines.splice(0)) {
        if (line.msg.startsWith('over after ')) open.delete(line['reason']);
        else if (line['reason'] !== undefined) open.set(line['reason'], line);
      }
      this.#goingOn.set(lines, open);
    }
  }

  async seen(): Promise<Seen> {
    await this.#count();
    const grown = [...this.#totals].map(([series, total]) => [series, total.grown] as const);
    return {
      said: [...this.#said],
      statusGrew: [...this.#figures].filter(([, { grown }]) => grown > 0).map(([name]) => name),
      counted: new Map(grown.filter(([, count]) => count > 0)),
      goingOn: NAMES.flatMap(name =>
        [...(this.#goingOn.get(this.service(name).log)?.values() ?? [])].filter(goesOn),
      ),
      logged: this.#logs.flatMap(({ from, lines }) => lines.map(line => ({ ...line, from }))),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    for (const service of this.running.values()) await service[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }

  async #look(): Promise<void> {
    for (let i = 0; !this.#isEnded; i += 1) {
      const status = await this.status();
      const said = status ? `${status.state}: ${status.message}` : 'no answer';
      // The seconds in a sentence change while its cause does not.
      if (!this.#said.includes(said) && this.#said.length < 100) this.#said.push(said);
      for (const [name, value] of figuresOf(status ?? {})) grow(this.#figures, name, value);
      if (i % 10 === 0) void this.#count();
      await sleep(LOOK_MS);
    }
  }

  /** Reads every counter. */
  async #count(): Promise<void> {
    const { ports, hosts } = this;
    for (const place of [
      `${hosts.visualizer}:${ports.visualizer}`,
      `${hosts.playback}:${ports.playbackMetrics}`,
      `${hosts.redactor}:${ports.redactorMetrics}`,
    ]) {
      let text = '';
      try {
        text = await (await fetch(`http://${place}/metrics`, answeringSoon())).text();
      } catch {
        continue;
      }
      for (const [, series = '', value] of text.matchAll(
        /^(noaa_(?:(?:playback|redactor|visualizer)_\w+_total|playback_source_lost|visualizer_clock_behind_seconds|visualizer_source_state|log_lines_lost_total|process_start_time_seconds)\{[^}]*\}) (\S+)$/gm,
      )) {
        grow(this.#totals, series, Math.abs(Number(value)));
      }
    }
  }
}

/** What happened only once has no line at its end. */
const goesOn = ({ reason, time }: LogLine) =>
  reason === 'link-flapping' || Date.now() - Number(time) < LONGEST_EPISODE_MS;

/** Adds what a counter has become more; one that became smaller belongs to a service that started again. */
function grow(totals: Map<string, { grown: number; last: number }>, name: string, now: number): void {
  const total = totals.get(name) ?? { grown: 0, last: 0 };
  total.grown += now >= total.last ? now - total.last : now;
  total.last = now;
  totals.set(name, total);
}

/** Returns the counts in /status, e.g. `dropped.upstream`. */
function figuresOf(status: object, prefix = ''): [string, number][] {
  return Object.entries(status).flatMap(([key, value]): [string, number][] => {
    if (value !== null && typeof value === 'object') return figuresOf(value, `${prefix}${key}.`);
    return typeof value === 'number' && COUNTS.test(prefix + key) ? [[prefix + key, value]] : [];
  });
}

/** A service that is stopped takes connections and never answers. */
const answeringSoon = () => ({ signal: AbortSignal.timeout(1000) });

/** What `tools/with-setup` and the images set. */
function mallocSettings(): Settings {
  const wanted = /^(MALLOC_\w+|UV_THREADPOOL_SIZE|NODE_OPTIONS|NODE_COMPILE_CACHE)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => wanted.test(name))) as Settings;
}
