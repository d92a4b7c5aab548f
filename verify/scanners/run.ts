/**
 * The one place that starts programs: scanners, podman. No shell reads their arguments, and what a scanner finds depends on
 * these alone: it starts in an empty folder, where no ignore file of anybody's lies, and without its settings in the
 * environment. So paths among the arguments must be absolute.
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

/** Trivy and Grype take every setting from there too, what they shall not report among them. */
const SETTINGS = /^(TRIVY|GRYPE)_/;
/** What the program said; undefined where there is no such program. */
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
