/**
 * Many light viewers in one process: each reads a stream and counts its frames, and when the stream ends it turns to the next
 * address, as a browser does with a name that has several.
 *
 * Usage: node viewers.ts TASK, an `Audience` as JSON. It answers each SIGUSR2 with a tally as a line of JSON.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Viewer } from '../../bench/load/viewers.ts';

export interface Audience {
  /** Hosts to watch; viewers begin spread over them. */
  hosts: string[];
  port: number;
  viewers: number;
  /** Paths that they watch, in turn. */
  streams: string[];
}

/** What came since the last tally. */
export interface Tally {
  /** Counts from 1. */
  turn: number;
  seconds: number;
  viewers: {
    frames: number;
    /** The longest time without a new frame, ms. */
    longestMs: number;
    /** Index of the host that it watches. */
    host: number;
  }[];
  /** From playback's time stamp to the frame's last byte, of the first viewer of each host. */
  latenciesMs: number[];
  connections: number;
}

const READ_BYTES = 1 << 20;
const CONNECT_MS = 1000;
const AGAIN_MS = 50;

const task = JSON.parse(process.argv[2]!) as Audience;
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
let latenciesMs: number[] = [];
let connections = 0;
let turn = 0;
let sinceMs = performance.now();

const viewers = Array.from({ length: task.viewers }, (_, i) => ({
  frames: 0,
  lastMs: performance.now(),
  longestMs: 0,
  host: i % task.hosts.length,
}));
for (const [i, viewer] of viewers.entries()) void watch(viewer, i);

process.on('SIGUSR2', () => {
  turn += 1;
  const nowMs = performance.now();
  const tally: Tally = {
    turn,
    seconds: (nowMs - sinceMs) / 1000,
    viewers: viewers.map(({ frames, longestMs, lastMs, host }) => ({
      frames,
      longestMs: Math.max(longestMs, nowMs - lastMs),
      host,
    })),
    latenciesMs,
    connections,
  };
  console.log(JSON.stringify(tally));
  for (const viewer of viewers) {
    viewer.frames = 0;
    viewer.longestMs = 0;
  }
  latenciesMs = [];
  connections = 0;
  sinceMs = nowMs;
});

async function watch(viewer: (typeof viewers)[number], i: number): Promise<void> {
  const measures = i < task.hosts.length;
  for (;;) {
    await once(viewer, task.streams[i % task.streams.length]!, measures);
    viewer.host = (viewer.host + 1) % task.hosts.length;
    await sleep(AGAIN_MS * Math.random());
  }
}

/** Resolves when the stream has ended, however. */
function once(viewer: (typeof viewers)[number], path: string, measures: boolean): Promise<void> {
  connections += 1;
  const reader = new Viewer(ms => {
    const nowMs = performance.now();
    viewer.frames += 1;
    viewer.longestMs = Math.max(viewer.longestMs, nowMs - viewer.lastMs);
    viewer.lastMs = nowMs;
    if (measures) latenciesMs.push(ms);
  });
  return new Promise(resolve => {
    const socket = connect({
      host: task.hosts[viewer.host]!,
      port: task.port,
      onread: {
        buffer,
        callback(count, chunk) {
          reader.take(Buffer.from(chunk.buffer, chunk.byteOffset, count));
          return true;
        },
      },
    });
    const late = setTimeout(() => socket.destroy(), CONNECT_MS);
    socket.once('connect', () => {
      clearTimeout(late);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${task.hosts[viewer.host]}\r\n\r\n`);
    });
    socket.on('error', () => {}).once('close', () => resolve());
  });
}
