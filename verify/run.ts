/** The one place that starts programs: scanners, podman. No shell reads their arguments. */
import { execFile } from 'node:child_process';
import type { Output } from './finding.ts';

/** A first scan downloads a database. */
const TIME_LIMIT_MS = 20 * 60_000;
const OUTPUT_BYTES = 256 << 20;

/** What the program said; undefined where there is no such program. */
export function run([program = '', ...args]: string[]): Promise<Output | undefined> {
  return new Promise(done => {
    execFile(
      program,
      args,
      { encoding: 'utf8', maxBuffer: OUTPUT_BYTES, timeout: TIME_LIMIT_MS },
      (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') return done(undefined);
        const code = error ? (typeof error.code === 'number' ? error.code : undefined) : 0;
        done({ code, stdout, stderr });
      },
    );
  });
}
