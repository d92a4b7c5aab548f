import type { Logger } from './log.ts';

/** Returns the log for what an audit asks about: its entries carry `audit: true`, and LOG_LEVEL leaves none out. */
export function auditLog(log: Logger): Logger {
  return log.child({ audit: true }, { level: 'info' });
}
