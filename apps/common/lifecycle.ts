import { watchDescriptors } from './descriptors.ts';
import type { Endpoint } from './endpoint.ts';
import { type ConfigOf, readEnv, type Schema, warningsOf } from './env.ts';
import { asError, Fault, sentenceOf } from './errors.ts';
import { createLog, type Logger } from './log.ts';
import { switchLevelOnSignal } from './log-level.ts';
import { keepTrimmed } from './malloc.ts';
import { ThrottledLog } from './throttled-log.ts';

/** The promise is one second from SIGTERM to the end; whatever is still open by then is not waited for. */
const STOP_DEADLINE_MS = 800;

/** A file that has been waited for this long, after a signal, is on storage that hangs. */
const HELD_MS = 400;

export interface Service<S extends Schema> {
  config: ConfigOf<S>;
  log: Logger;
  /** Aborted by SIGTERM and SIGINT; owns the life of everything the service opens. */
  signal: AbortSignal;
  /**
   * Has SIGTERM call `leave` first, for at most this long, and end the service only after that. A second SIGTERM, or SIGINT,
   * ends it at once.
   */
  onLeaving(leave: () => Promise<void>, mostMs: number): void;
  /**
   * Returns how an endpoint of this service takes a port that is taken: not at all, so that the service ends with a
   * sentence for the person who has started it, or with a warning and another attempt if WAIT_FOR_PORT is set.
   */
  onTaken(blocked?: (why: string | undefined) => void): Endpoint['onTaken'];
}

/**
 * Runs a service from its configuration to its end. The process ends by itself once `body` has closed what it opened:
 * with 0 after a signal or the end of the work, 2 for bad configuration, 1 for any other failure.
 */
export async function runService<S extends Schema>(
  name: string,
  schema: S,
  body: (service: Service<S>) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const end = (reason: string) => {
    stop.abort(reason);
    endBy(STOP_DEADLINE_MS);
  };
  let leaving: { leave: () => Promise<void>; mostMs: number } | undefined;
  const endGently = (reason: string) => {
    if (!leaving) {
      end(reason);
      return;
    }
    const { leave, mostMs } = leaving;
    leaving = undefined;
    setTimeout(end, mostMs, reason).unref();
    void leave().then(() => end(reason));
  };
  process.on('SIGTERM', endGently).once('SIGINT', end);
  // Node would open its debugger, which reads raw frames and changes masks.
  process.on('SIGUSR1', () => {});
  // Until there is a log to switch, or it would end the process.
  process.on('SIGUSR2', () => {});
  endWithStarter(() => end('the end of npm start'));

  let log: Logger | undefined;
  try {
    const config = readEnv(schema, process.env);
    log = await createLog(name, String(config['LOG_LEVEL']));
    switchLevelOnSignal(log);
    for (const warning of warningsOf(schema, process.env)) log.warn(warning);
    process.on('uncaughtException', error => {
      // An error outside every await is a defect of ours: log it once and end, so that the supervisor starts the service again.
      log?.fatal(`${name} met a fault it does not know: ${error.message}`);
      log?.debug({ err: error }, 'where');
      process.exit(1);
    });
    const warnings = new ThrottledLog(log);
    keepTrimmed(stop.signal);
    watchDescriptors(why => warnings.warn('descriptors', why), stop.signal);
    const onTaken: Service<S>['onTaken'] = blocked =>
      config['WAIT_FOR_PORT']
        ? why => {
            if (why !== undefined) warnings.warn('port-taken', `${why}; trying again`);
            blocked?.(why);
          }
        : undefined;
    const onLeaving: Service<S>['onLeaving'] = (leave, mostMs) => {
      leaving = { leave, mostMs };
    };
    await body({ config, log, signal: stop.signal, onTaken, onLeaving });
    log.info(stop.signal.aborted ? `${name} stopped on ${stop.signal.reason}` : `${name} has finished`);
  } catch (thrown) {
    const error = asError(thrown);
    log ??= await createLog(name, 'info');
    if (stop.signal.aborted) {
      log.debug({ err: error }, 'ended by the signal');
    } else {
      process.exitCode = error instanceof Fault ? error.exitCode : 1;
      log.fatal({ code: error.code }, sentenceOf(error));
      log.debug({ err: error }, 'where');
      endBy(STOP_DEADLINE_MS);
    }
  } finally {
    stop.abort('end');
  }
}

/** Ends the process at its deadline, whatever is still open, and earlier if storage that hangs would keep it. */
function endBy(deadlineMs: number): void {
  setTimeout(() => process.exit(), deadlineMs).unref();
  setTimeout(endIfHeld, HELD_MS).unref();
}

/**
 * Node's own end waits for the threads that read files. One that storage holds ends only with the process image, so another
 * one, which does nothing, takes its place.
 */
function endIfHeld(): void {
  if (!process.getActiveResourcesInfo().some(kind => kind.startsWith('FSReq'))) return;
  const code = Number(process.exitCode ?? 0);
  process.execve?.(process.execPath, [process.execPath, '--eval', `process.exitCode = ${code}`], {});
}

/**
 * Calls `end` once the process that started this one is gone, if that one opened a channel, as only `npm start` does: the
 * kernel closes it however that process ends.
 */
function endWithStarter(end: () => void): void {
  process.once('disconnect', end);
  // It must not keep a service alive whose work is done.
  process.channel?.unref();
  // Closed before anybody listened; undefined if there never was a channel.
  if (process.connected === false) end();
}
