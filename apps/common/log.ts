import { isatty } from 'node:tty';
import { type Logger, pino } from 'pino';
import { LogOutput } from './log-output.ts';

export type { Logger };

/**
 * Returns a logger of JSON lines on stdout, for journald and log shippers; readable if stdout is a terminal.
 * pino-pretty is a development dependency, so an image without it logs JSON to a terminal too.
 */
export async function createLog(service: string, level: string): Promise<Logger> {
  const options = { base: { service }, level, formatters: { level: (label: string) => ({ level: label }) } };
  const output = new LogOutput((lines, why) => {
    log.warn({ lines }, `${lines} log lines were lost: standard output could not be written (${why})`);
  });
  const pretty = isatty(1) ? await import('pino-pretty').catch(() => undefined) : undefined;
  const readable = pretty?.prettyFactory({ ...prettyOptions, colorize: pretty.isColorSupported });
  // Annotated, because the output refers to it.
  const log: Logger = pino(options, { write: line => output.write(readable?.(line) ?? line) });
  return log;
}

/** How a log line reads on a terminal, for one service and for `npm start` alike. */
export const prettyOptions = {
  ignore: 'pid,hostname,service',
  translateTime: 'SYS:HH:MM:ss.l',
  singleLine: true,
} as const;
