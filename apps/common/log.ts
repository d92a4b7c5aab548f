import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * JSON lines on stdout, for journald and log shippers; readable where stdout is a terminal.
 * pino-pretty is a development dependency, so an image without it logs JSON to a terminal too.
 */
export async function createLog(service: string, level: string): Promise<Logger> {
  const options = { base: { service }, level, formatters: { level: (label: string) => ({ level: label }) } };
  if (process.stdout.isTTY) {
    const pretty = await import('pino-pretty').catch(() => undefined);
    if (pretty) return pino(options, pretty.default(prettyOptions));
  }
  return pino(options, pino.destination({ dest: 1, sync: true }));
}

/** How a log line reads on a terminal, for one service and for `npm start` alike. */
export const prettyOptions = {
  ignore: 'pid,hostname,service',
  translateTime: 'SYS:HH:MM:ss.l',
  singleLine: true,
} as const;

/**
 * Tells of something that may happen with every frame at most once per `periodMs` and key, with the count since.
 * Keys come from closed sets, so the map is bounded.
 */
export class ThrottledLog {
  readonly #said = new Map<string, { atMs: number; since: number }>();
  readonly #log: Logger;
  readonly #periodMs: number;

  constructor(log: Logger, periodMs = 10_000) {
    this.#log = log;
    this.#periodMs = periodMs;
  }

  warn(key: string, message: string, nowMs = performance.now()): void {
    const last = this.#said.get(key);
    if (last && nowMs - last.atMs < this.#periodMs) {
      last.since += 1;
      return;
    }
    this.#log.warn({ reason: key, ...(last?.since && { repeated: last.since }) }, message);
    this.#said.set(key, { atMs: nowMs, since: 0 });
  }
}
