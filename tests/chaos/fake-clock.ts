/** A clock that jumps for one process: Debian's libfaketime, unpacked into build/ and not installed. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../build/faketime/', import.meta.url));

function library(): string | undefined {
  const find = () => globSync(`${FOLDER}usr/lib/*/faketime/libfaketimeMT.so.1`)[0];
  if (find()) return find();
  mkdirSync(FOLDER, { recursive: true });
  try {
    execFileSync('sh', ['-c', 'apt-get download -qq libfaketime && dpkg-deb -x libfaketime_*.deb .'], {
      cwd: FOLDER,
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  return find();
}

export const fakeClock = {
  missing: () => (library() ? undefined : 'Debian’s package libfaketime could not be had'),

  /** Returns the settings of a process whose clock follows the file. */
  async settings(folder: string): Promise<Record<string, string>> {
    await fakeClock.set(folder, '+0');
    return {
      LD_PRELOAD: library()!,
      FAKETIME_TIMESTAMP_FILE: `${folder}/clock`,
      FAKETIME_NO_CACHE: '1',
      // Timers count on a clock that nobody sets.
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  },

  set: (folder: string, offset: string) =>
    existsSync(folder) ? writeFile(`${folder}/clock`, offset) : Promise.resolve(),
};
