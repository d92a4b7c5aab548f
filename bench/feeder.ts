/**
 * A redactor that has its frames ready: it publishes redacted frames of a clip's first second, over and over, at a given
 * rate, so that a measurement of the visualizer is of the visualizer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { publish } from '../apps/common/bus.ts';
import { unixNanoseconds } from '../apps/common/clock.ts';
import { FrameLayout, markRedacted, parseFrame, writeStamp } from '../apps/common/frame.ts';
import { decode } from '../apps/playback/decode.ts';
import { probe } from '../apps/playback/probe.ts';
import { borderMask } from '../apps/redactor/mask.ts';

export interface FeederTask {
  path: string;
  port: number;
  fps: number;
}

const FRAMES = 10;

const { path, port, fps } = JSON.parse(process.argv[2]!) as FeederTask;
process.once('disconnect', () => process.exit());
const stop = new AbortController();
const clip = await probe(path);
const layout = new FrameLayout('i420', clip.width, clip.height);
const frames: Buffer[] = [];
for await (const { message } of decode(clip, layout, stop.signal, { damaged: () => {} })) {
  const frame = parseFrame(message);
  if (!frame.ok) throw new Error(frame.detail);
  borderMask(frame, 100)(frame.pixels);
  markRedacted(frame);
  frames.push(message);
  if (frames.length === FRAMES) break;
}
const sink = await publish({ host: '127.0.0.1', port, variable: 'port' }, stop.signal);
process.send!('ready');
const startMs = performance.now();
for (let sequence = 0; ; sequence += 1) {
  await sleep(Math.max(0, startMs + (sequence * 1000) / fps - performance.now()));
  const message = frames[sequence % FRAMES]!;
  // Its last journey ended a third of a second ago, but for a subscriber that stalls; and there is one, and it does not.
  writeStamp(message, { sequence: BigInt(sequence), publishedAtNs: unixNanoseconds(), positionUs: 0n });
  await sink.send(message);
}
