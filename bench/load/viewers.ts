/**
 * Viewers in processes of their own, which read a stream and count frames. All read into one buffer and look only at the few
 * bytes around each frame, so that counting costs little beside the sockets.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { unixNanoseconds } from '../../apps/common/clock.ts';
import { endPart, message } from '../part.ts';

export interface ViewerTask {
  port: number;
  path: string;
  viewers: number;
  /** What separates frames: HTTP's chunks, one a frame, or, in a stream without HTTP, their length. */
  framing: 'chunks' | { frameBytes: number };
  /** Whether they speak TLS, and trust any certificate. */
  tls?: boolean;
  /** Viewers that connect and then read nothing. */
  stalled?: number;
  /** Viewers that read at 56 kbit/s. */
  modem?: number;
}

/** What came in since the last tally. */
export interface Tally {
  seconds: number;
  /** Frames that each viewer got. */
  frames: number[];
  bytes: number;
  cpuMs: number;
  /** From playback's time stamp to the frame's last byte, in milliseconds; empty for a stream without time stamps. */
  latenciesMs: number[];
}

/** A shorter chunk is a status event or a comment. */
const LEAST_FRAME_BYTES = 4096;
const HEAD_BYTES = 512;
const READ_BYTES = 1 << 20;
/** 56 kbit/s. */
const MODEM_READ_BYTES = 700;
const MODEM_PAUSE_MS = 100;

/** One or two processes of viewers on this machine. */
export class Viewers implements AsyncDisposable {
  readonly #children: ChildProcess[];

  private constructor(children: ChildProcess[]) {
    this.#children = children;
  }

  /** Resolves once all are connected. @throws if one can't connect */
  static async watch(
    { stalled = 0, modem = 0, ...task }: ViewerTask,
    processes = task.viewers + stalled + modem > 1 ? 2 : 1,
  ): Promise<Viewers> {
    const share = (count: number, i: number) => Math.floor((count + i) / processes);
    const children = Array.from({ length: processes }, (_, i) => {
      const part: Required<ViewerTask> = {
        tls: false,
        ...task,
        viewers: share(task.viewers, i),
        stalled: share(stalled, processes - 1 - i),
        modem: share(modem, i),
      };
      return fork(fileURLToPath(import.meta.url), [JSON.stringify(part)], { serialization: 'advanced' });
    });
    const viewers = new Viewers(children);
    try {
      await Promise.all(children.map(child => message(child)));
      return viewers;
    } catch (thrown) {
      await viewers[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Returns what came in since the last tally, or since the start. @throws if one of the processes has ended */
  async tally(): Promise<Tally> {
    const parts = await Promise.all(
      this.#children.map(async child => {
        const answer = message<Tally>(child);
        if (child.connected) child.send('tally');
        return await answer;
      }),
    );
    return {
      seconds: parts[0]!.seconds,
      frames: parts.flatMap(part => part.frames),
      bytes: parts.reduce((total, part) => total + part.bytes, 0),
      cpuMs: parts.reduce((total, part) => total + part.cpuMs, 0),
      latenciesMs: parts.flatMap(part => part.latenciesMs),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map(endPart));
  }
}

/** Finds the frames in what one viewer reads. */
export class Viewer {
  frames = 0;
  #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  #skip = 0;
  #frame = false;
  #publishedAtMs = 0;
  /** HTTP's own head comes first. */
  #opened = false;
  readonly #latency: (ms: number) => void;

  constructor(latency: (ms: number) => void) {
    this.#latency = latency;
  }

  take(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at);
        this.#skip -= step;
        at += step;
        if (this.#skip === 0 && this.#frame) this.#arrived();
        continue;
      }
      // Copies at most HEAD_BYTES; what follows the head is taken again below.
      const room = Math.min(HEAD_BYTES - this.#headBytes, bytes.length - at);
      bytes.copy(this.#head, this.#headBytes, at, at + room);
      const before = this.#headBytes;
      this.#headBytes += room;
      const used = this.#read(this.#head.toString('latin1', 0, this.#headBytes));
      if (used < 0) {
        if (this.#headBytes === HEAD_BYTES) throw new Error('a viewer lost its place in the stream');
        return;
      }
      at += used - before;
      this.#headBytes = 0;
    }
  }

  /** Returns the length of the head; below 0 if it is not complete. */
  #read(head: string): number {
    if (!this.#opened) {
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) {
        // A long HTTP head is dropped line by line.
        const line = head.lastIndexOf('\r\n');
        return line > 0 ? line : -1;
      }
      this.#opened = true;
      return end + 4;
    }
    const size = /^([0-9a-f]+)\r\n/.exec(head);
    if (!size) return -1;
    const length = Number.parseInt(size[1]!, 16);
    this.#frame = length >= LEAST_FRAME_BYTES;
    const start = size[0].length;
    const stamp = /"publishedAt":([\d.]+)|X-Timestamp: ([\d.]+)/.exec(head);
    if (this.#frame && !stamp && head.length < HEAD_BYTES) return -1;
    this.#publishedAtMs = stamp ? Number(stamp[1] ?? 1000 * Number(stamp[2])) : 0;
    this.#skip = length + 2;
    return start;
  }

  #arrived(): void {
    this.frames += 1;
    this.#frame = false;
    if (this.#publishedAtMs > 0)
      this.#latency(Number(unixNanoseconds() / 1000n) / 1000 - this.#publishedAtMs);
  }
}

async function main(task: Required<ViewerTask>): Promise<void> {
  process.once('disconnect', () => process.exit());
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  let bytes = 0;
  let latencies: number[] = [];
  const viewers: Viewer[] = [];
  const open = async (onread: OnReadOpts): Promise<Socket> => {
    const at = { host: '127.0.0.1', port: task.port };
    // A TLS socket does not read into a buffer of ours.
    const socket = task.tls ? connectTls({ ...at, rejectUnauthorized: false }) : connect({ ...at, onread });
    socket.on('error', () => {});
    await once(socket, task.tls ? 'secureConnect' : 'connect');
    if (task.tls) socket.on('data', bytes => onread.callback(bytes.length, bytes));
    if (task.path) socket.write(`GET ${task.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    return socket;
  };
  for (let i = 0; i < task.viewers; i += 1) {
    const viewer = new Viewer(ms => latencies.push(ms));
    await open({
      buffer,
      callback(count, chunk) {
        bytes += count;
        if (task.framing === 'chunks') viewer.take(Buffer.from(chunk.buffer, chunk.byteOffset, count));
        else viewer.frames += count / task.framing.frameBytes;
        return true;
      },
    });
    viewers.push(viewer);
  }
  for (let i = 0; i < task.stalled; i += 1) (await open({ buffer, callback: () => true })).pause();
  for (let i = 0; i < task.modem; i += 1) {
    const socket = await open({
      buffer: Buffer.allocUnsafeSlow(MODEM_READ_BYTES),
      callback(count) {
        bytes += count;
        setTimeout(() => socket.resume(), MODEM_PAUSE_MS);
        return false;
      },
    });
  }
  let sinceMs = performance.now();
  let cpu = process.cpuUsage();
  process.on('message', () => {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    const tally: Tally = {
      seconds: (nowMs - sinceMs) / 1000,
      frames: viewers.map(({ frames }) => frames),
      bytes,
      cpuMs: (user + system) / 1000,
      latenciesMs: latencies,
    };
    process.send!(tally);
    for (const viewer of viewers) viewer.frames = 0;
    [bytes, latencies, sinceMs, cpu] = [0, [], nowMs, process.cpuUsage()];
  });
  process.send!('ready');
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main(JSON.parse(process.argv[2]!) as Required<ViewerTask>);
