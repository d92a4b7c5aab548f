/**
 * A redactor with a ready frame: it publishes a clip's first picture, redacted, at a given rate. So only the visualizer is
 * measured, and its JPEGs are the bytes that the other servers serve.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { publish } from '../../apps/common/bus.ts';
import { unixNanoseconds } from '../../apps/common/clock.ts';
import { isMarkable, markRedacted, parseFrame, writeStamp } from '../../apps/common/frame.ts';
import { decode } from '../../apps/playback/decode.ts';
import { probe } from '../../apps/playback/probe.ts';
import { borderMask } from '../../apps/redactor/mask.ts';

export interface FeederTask {
  path: string;
  port: number;
  fps: number;
}

/** Copies of the picture, so that none changes while it is being sent. */
const COPIES = 10;

const { path, port, fps } = JSON.parse(process.argv[2]!) as FeederTask;
process.once('disconnect', () => process.exit());
const stop = new AbortController();
const clip = await probe(path);
const copies: Buffer[] = [];
for await (const { message } of decode(clip, 'i420', stop.signal, { damaged: () => {} })) {
  const frame = parseFrame(message);
  if (!frame.ok || !isMarkable(frame)) throw new Error('playback made no frame');
  borderMask(frame, 100)(frame.pixels);
  markRedacted(frame, 0n);
  for (let copy = 0; copy < COPIES; copy += 1) copies.push(Buffer.from(message));
  break;
}
const sink = await publish({ host: '127.0.0.1', port, variable: 'port' }, stop.signal);
process.send?.('ready');
const startMs = performance.now();
for (let sequence = 0; ; sequence += 1) {
  await sleep(Math.max(0, startMs + (sequence * 1000) / fps - performance.now()));
  const message = copies[sequence % COPIES]!;
  // It was sent a third of a second ago, and the only subscriber does not stall.
  writeStamp(message, { sequence: BigInt(sequence), publishedAtNs: unixNanoseconds(), positionUs: 0n });
  await sink.send(message);
}
