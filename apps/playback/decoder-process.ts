import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { onAbort } from '../common/abort.ts';
import { asError } from '../common/errors.ts';
import { type Destination, type DirectPipe, directPipe } from './direct-pipe.ts';
import { plainEnvironment } from './ffmpeg.ts';

/** How ffmpeg ended. */
export type Exit = 'well' | 'killed' | `exit code ${number | null}`;

/**
 * One run of ffmpeg, from its start to its end, whose stdout goes straight into a destination. fluent-ffmpeg's own way
 * to run it copies the pipe.
 */
export class DecoderProcess {
  /** How it ended, once its last line has been read; never rejects. The pipe may still hold frames. */
  readonly ended: Promise<Exit | Error>;
  readonly #stop = new AbortController();
  #pipe: DirectPipe | undefined;

  /**
   * @param line called with each line that ffmpeg logs
   * @param feed writes ffmpeg's stdin, if it reads it
   */
  constructor(
    args: string[],
    destination: Destination,
    line: (line: string) => void,
    feed?: (stdin: Writable) => Promise<void>,
  ) {
    this.ended = this.#run(args, destination, line, feed).catch(thrown => {
      this.kill();
      // Of a pipe that never opened nobody else says so.
      destination.ended();
      return asError(thrown);
    });
  }

  /** Reads on after the destination was full. */
  resume(): void {
    this.#pipe?.readEnd.resume();
  }

  /** Ends ffmpeg at once. Nothing more comes out of the pipe. */
  kill(): void {
    this.#stop.abort();
  }

  get killed(): boolean {
    return this.#stop.signal.aborted;
  }

  async #run(
    args: string[],
    destination: Destination,
    line: (line: string) => void,
    feed?: (stdin: Writable) => Promise<void>,
  ): Promise<Exit> {
    const { signal } = this.#stop;
    const pipe = await directPipe(destination);
    this.#pipe = pipe;
    onAbort(signal, () => pipe.readEnd.destroy());
    try {
      if (signal.aborted) return 'killed';
      const child: ChildProcess = spawn('ffmpeg', args, {
        env: plainEnvironment(),
        stdio: [feed ? 'pipe' : 'ignore', pipe.writeEnd, 'pipe'],
      });
      const closed = once(child, 'close');
      // Without a descriptor for them Node makes no streams, and only then says why.
      if (!child.stderr) await closed;
      onAbort(signal, () => child.kill('SIGKILL'));
      createInterface({ input: child.stderr! }).on('line', line);
      feed?.(child.stdin!).catch(() => child.kill('SIGKILL'));
      // ffmpeg has its own hold on it; ours would keep the pipe open after its end.
      pipe.writeEnd.destroy();
      const [code, killedBy] = (await closed) as [number | null, string | null];
      return killedBy !== null ? 'killed' : code === 0 ? 'well' : `exit code ${code}`;
    } finally {
      pipe.writeEnd.destroy();
    }
  }
}
