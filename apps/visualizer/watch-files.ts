import { onAbort } from '../common/abort.ts';
import { versionOf } from '../common/file-version.ts';

/** What is said of files that are followed. A file is known by the variable that names it. */
export interface FileReports {
  file(variable: string, isFaulty: boolean): void;
  certificate(variable: string, end: Date): void;
}

const PERIOD_MS = 1000;

/**
 * Calls `changed` after any of the files has changed, until `signal` is aborted. Looks at them once a second, because
 * notifications do not cross a bind mount of a single file, a symbolic link or a network file system.
 */
export async function watchFiles(
  paths: readonly string[],
  changed: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let before = await versionsOf(paths);
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    try {
      const now = await versionsOf(paths);
      if (now === before) return;
      before = now;
      await changed();
    } finally {
      busy = false;
    }
  }, PERIOD_MS);
  onAbort(signal, () => clearInterval(timer));
}

async function versionsOf(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(versionOf))).join('\n');
}
