import { constants, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { asError } from './errors.ts';

const STDOUT = 1;
/** What may wait for a reader; the oldest lines are dropped first. */
const MAX_WAITING_BYTES = 256 * 1024;
const RETRY_MS = 50;
/** How long the end of the process waits for a reader that is only slow. */
const LAST_WAIT_MS = 100;
const LAST_STEP_MS = 10;

let lost = 0;
let waitingBytes = 0;

/** Returns how many log lines this process has lost so far. */
export const lostLogLines = (): number => lost;

/** Returns how many bytes of log lines wait, because standard output can't be written now. */
export const waitingLogBytes = (): number => waitingBytes;

/**
 * Standard output for log lines. It never blocks: neither the event loop nor a thread of libuv's pool, which encoders need.
 *
 * A line is written at once if the reader takes it. If not (a full pipe or journal, a full disk, a reader that is gone), it
 * waits in a bounded buffer; `dropped` reports how many lines were lost once the output can be written again.
 */
export class LogOutput {
  readonly #fd: number;
  readonly #dropped: (lines: number, why: string) => void;
  readonly #waiting: Buffer[] = [];
  /** Whether a part of the first line is written already, so that the rest must follow. */
  #begun = false;
  #unreported = 0;
  #why = '';
  #retry: NodeJS.Timeout | undefined;

  constructor(dropped: (lines: number, why: string) => void, fd = nonBlocking(STDOUT)) {
    this.#fd = fd;
    this.#dropped = dropped;
    process.on('exit', () => this.#writeLast());
  }

  /** Takes a line with its end. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    this.#waiting.push(bytes);
    waitingBytes += bytes.length;
    // A failed attempt costs a tenth of a millisecond, so that a flood of lines would hold up the event loop by itself.
    if (!this.#retry) this.flushSync();
    while (waitingBytes > MAX_WAITING_BYTES && this.#waiting.length > 1) {
      const [oldest] = this.#waiting.splice(this.#begun ? 1 : 0, 1) as [Buffer];
      waitingBytes -= oldest.length;
      lost += 1;
      this.#unreported += 1;
    }
  }

  /** Writes what can be written without waiting. pino calls it after a fatal line. */
  flushSync(): void {
    let [line] = this.#waiting;
    try {
      while (line) {
        const written = writeSync(this.#fd, line);
        waitingBytes -= written;
        this.#begun = written < line.length;
        if (this.#begun) this.#waiting[0] = line.subarray(written);
        else this.#waiting.shift();
        [line] = this.#waiting;
      }
    } catch (thrown) {
      this.#why = asError(thrown).code ?? asError(thrown).message;
      // Not a reason to keep a process alive whose work is done.
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.flushSync();
      }, RETRY_MS).unref();
      return;
    }
    const lines = this.#unreported;
    this.#unreported = 0;
    if (lines > 0) this.#dropped(lines, this.#why);
  }

  #writeLast(): void {
    const deadlineMs = performance.now() + LAST_WAIT_MS;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      this.flushSync();
      if (this.#waiting.length === 0 || this.#why !== 'EAGAIN' || performance.now() > deadlineMs) return;
      Atomics.wait(pause, 0, 0, LAST_STEP_MS);
    }
  }
}

/** Returns a descriptor for standard output on which a write fails with EAGAIN instead of waiting. */
function nonBlocking(fd: typeof STDOUT): number {
  if (isatty(fd)) {
    // Opened anew, so that a shell that shares the terminal does not become non-blocking with it.
    try {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      return fd;
    }
  }
  // libuv makes a pipe or a socket non-blocking when it opens it, and Node restores it at the end. A file never waits.
  void process.stdout;
  return fd;
}
