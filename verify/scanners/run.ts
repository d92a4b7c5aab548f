/**
 * Runs programs: scanners, npm, podman. No shell reads their arguments. A scanner's findings depend on its arguments only,
 * because it starts in an empty folder, without ignore files, and without its settings in the environment. So paths
 * among the arguments must be absolute.
 */
import { execFile } from 'node:child_process';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Output } from '../gate/finding.ts';
import { isPassedOn } from '../gate/limits.ts';

/** A first scan downloads a database. */
const TIME_LIMIT_MS = 20 * 60_000;
const OUTPUT_BYTES = 256 << 20;

/** Trivy and Grype read every setting from such variables too, also what not to report. */
const SETTINGS = /^(TRIVY|GRYPE)_/;
/** Returns the program's output; undefined if there is no such program. */
export async function run([program = '', ...args]: string[]): Promise<Output | undefined> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !SETTINGS.test(name) || isPassedOn(name)),
  );
  await using empty = await mkdtempDisposable(join(tmpdir(), 'noaa-run-'));
  return await new Promise(done => {
    execFile(
      program,
      args,
      { cwd: empty.path, env, encoding: 'utf8', maxBuffer: OUTPUT_BYTES, timeout: TIME_LIMIT_MS },
      (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') return done(undefined);
        const code = error ? (typeof error.code === 'number' ? error.code : undefined) : 0;
        done({ code, stdout, stderr });
      },
    );
  });
}
