import type { Logger } from './log.ts';

/** What an audit asks about. `quadlet/noaa audit` prints the kind and the message of each entry. */
export type AuditKind = 'mask' | 'secret' | 'source' | 'state' | 'viewer';

/** Returns the log for entries of this kind. LOG_LEVEL leaves none of them out. */
export function auditLog(log: Logger, audit: AuditKind): Logger {
  return log.child({ audit }, { level: 'info' });
}
