/** Viewers of both streams that come and go, some of them slow, in a process of its own. */
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from './random.ts';

export interface AudienceTask {
  port: number;
  viewers: number;
  seed: number;
}

/** What the audience has had since the start. */
export interface Attendance {
  opened: number;
  /** Answered with anything but 200, or not at all. */
  failed: number;
  bytes: number;
}

const STREAMS = ['/stream', '/stream?fps=2', '/stream.mjpg', '/stream.mjpg?fps=2'];
const MEAN_STAY_MS = 45_000;
const LONGEST_PAUSE_MS = 5000;
/** One viewer in five reads this much and then waits. */
const SLOW_SHARE = 0.2;
const SLOW_BYTES = 16 * 1024;
const SLOW_PAUSE_MS = 1000;

const { port, viewers, seed } = JSON.parse(process.argv[2]!) as AudienceTask;
const random = seeded(seed);
const attendance: Attendance = { opened: 0, failed: 0, bytes: 0 };
process.once('disconnect', () => process.exit());
process.on('message', () => process.send!(attendance));
for (let viewer = 0; viewer < viewers; viewer += 1) void comeAndGo();

async function comeAndGo(): Promise<never> {
  for (;;) {
    await sleep(random() * LONGEST_PAUSE_MS);
    const stream = STREAMS[Math.floor(random() * STREAMS.length)]!;
    const isSlow = random() < SLOW_SHARE;
    await watch(stream, isSlow, -MEAN_STAY_MS * Math.log(1 - random())).catch(() => {
      attendance.failed += 1;
    });
  }
}

async function watch(path: string, isSlow: boolean, stayMs: number): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, resolve).once('error', reject);
  });
  attendance.opened += 1;
  const leave = setTimeout(() => response.destroy(), stayMs);
  try {
    if (response.statusCode !== 200) throw new Error(`answered with ${response.statusCode}`);
    let taken = 0;
    for await (const chunk of response) {
      attendance.bytes += chunk.length;
      taken += chunk.length;
      if (!isSlow || taken < SLOW_BYTES) continue;
      taken = 0;
      await sleep(SLOW_PAUSE_MS);
    }
  } catch (thrown) {
    // It has left, or the server has released it for being too slow.
    if (!response.destroyed) throw thrown;
  } finally {
    clearTimeout(leave);
    response.destroy();
  }
}
