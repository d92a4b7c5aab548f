import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { temporaryFolder } from './clips.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** A folder on a file system that can be made to hang, as a share does whose server is gone. */
export interface HangingFolder extends AsyncDisposable {
  /** As it is used. */
  path: string;
  /** The same files, on a disk that answers. */
  behind: string;
  hang(): void;
  resume(): void;
}

/** Mounts one through FUSE. It needs bindfs and /dev/fuse. */
export async function hangingFolder(): Promise<HangingFolder> {
  const folder = await temporaryFolder();
  const [path, behind] = [`${folder.path}/share`, `${folder.path}/disk`];
  await mkdir(path);
  await mkdir(behind);
  await writeFile(`${behind}/.mounted`, '');
  // Nothing is answered from what the kernel remembers.
  const options = ['-f', '-o', 'attr_timeout=0,entry_timeout=0,negative_timeout=0,direct_io'];
  const server: ChildProcess = spawn('bindfs', [...options, behind, path], { stdio: 'inherit' });
  await until(async () => server.exitCode !== null || (await readdir(path)).length > 0, 'the share');
  return {
    path,
    behind,
    hang: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      server.kill('SIGCONT');
      await run('fusermount', ['-u', '-z', path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
