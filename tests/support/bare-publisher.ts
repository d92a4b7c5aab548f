/** A publisher of a frame every 20 ms, which tells its parent how much memory it has and how long it was held up. */
import { readFileSync } from 'node:fs';
import { setInterval as every } from 'node:timers/promises';
import { publish } from '../../apps/common/bus.ts';

const FRAME_MS = 20;
const REPORT_FRAMES = 10;

const refusals: string[] = [];
const endpoint = { host: '127.0.0.1', port: Number(process.argv[2]), variable: 'PLAYBACK_PORT' };
const sink = await publish(endpoint, new AbortController().signal, {
  refused: why => void refusals.push(why),
});
const frame = Buffer.alloc(1e6);
const anonymous = () => Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;

let frames = 0;
let lastMs = performance.now();
let lateMs = 0;
for await (const _ of every(FRAME_MS)) {
  const nowMs = performance.now();
  lateMs = Math.max(lateMs, nowMs - lastMs - FRAME_MS);
  lastMs = nowMs;
  await sink.send(frame);
  frames += 1;
  if (frames % REPORT_FRAMES === 0) process.send!({ anonymous: anonymous(), lateMs, refusals });
}
