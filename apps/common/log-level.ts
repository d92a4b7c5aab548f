import type { Logger } from './log.ts';

/** The only signal that Node leaves to us and that no supervisor sends by itself. */
const SIGNAL = 'SIGUSR2';

/**
 * Has SIGUSR2 switch the log between the level that was set and `debug`, so that a fault can be looked at without a
 * restart that would end it. If `debug` is what was set, between that and `info`. It changes nothing but the log.
 */
export function switchLevelOnSignal(log: Logger): void {
  const set = log.level;
  const other = set === 'debug' ? 'info' : 'debug';
  process.on(SIGNAL, () => {
    const before = log.level;
    const after = before === set ? other : set;
    // At the more talkative of both levels, so that the line is seen.
    log.level = 'info';
    log.info({ before, after }, `${SIGNAL}: the log level is ${after} now, instead of ${before}`);
    log.level = after;
  });
}
