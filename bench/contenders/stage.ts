/**
 * One service's own loop in a process of its own, on a bus that waits where the services' bus drops. The benchmark forks it
 * with its task as the only argument. It sends `ready` and starts at `go`. The visualizer's stage sends its account at the
 * last frame, or when no frame has come for a minute.
 */
import { once } from 'node:events';
import type { Frame } from '../../apps/common/frame.ts';
import type { WireFormat } from '../../apps/common/pixels.ts';
import { release } from '../../apps/common/reclaim.ts';
import { SequenceGaps } from '../../apps/common/sequence.ts';
import { decode } from '../../apps/playback/decode.ts';
import { type Cue, play } from '../../apps/playback/playback.ts';
import { probe } from '../../apps/playback/probe.ts';
import { rounds } from '../../apps/playback/rounds.ts';
import { Redaction } from '../../apps/redactor/redaction.ts';
import { redact } from '../../apps/redactor/redactor.ts';
import { JpegEncoder } from '../../apps/visualizer/jpeg.ts';
import { CONCURRENT_ENCODERS, NewestEncoder } from '../../apps/visualizer/newest-encoder.ts';
import { visualize } from '../../apps/visualizer/visualizer.ts';
import { PATIENCE_MS } from '../part.ts';
import { publishLossless, subscribeLossless } from './lossless-bus.ts';

export type StageTask =
  | { stage: 'playback'; port: number; path: string; format: WireFormat; frames: number }
  | { stage: 'redactor'; from: number; port: number; borderPx: number }
  | { stage: 'visualizer'; from: number; quality: number; frames: number };

export interface Account {
  frames: number;
  /** Frames that are missing in the sequence. */
  missed: number;
  jpegBytes: number;
  refused: number;
}

/** Every frame is due at once. */
const UNPACED = Number.POSITIVE_INFINITY;

const task = JSON.parse(process.argv[2]!) as StageTask;
const stop = new AbortController();
const account: Account = { frames: 0, missed: 0, jpegBytes: 0, refused: 0 };
process.once('disconnect', () => process.exit());

if (task.stage === 'playback') await runPlayback(task);
else if (task.stage === 'redactor') await runRedactor(task);
else await runVisualizer(task);

async function runPlayback({ port, path, format, frames }: StageTask & { stage: 'playback' }): Promise<void> {
  const clip = await probe(path);
  using sink = await publishLossless(port);
  await go();
  const start = () =>
    decode(clip, format, stop.signal, {
      fps: UNPACED,
      damaged: line => void process.stderr.write(`${line}\n`),
    });
  const passes = rounds(start, { ...clip, fps: UNPACED, loop: false, passed: () => {} });
  await play(first(passes, frames), sink, stop.signal, {
    published: () => {
      account.frames += 1;
    },
    waits: () => {},
    repeated: () => {},
    fellBehind: () => {},
  });
  await once(process, 'disconnect');
}

async function runRedactor({ from, port, borderPx }: StageTask & { stage: 'redactor' }): Promise<void> {
  using source = subscribeLossless(from);
  using sink = await publishLossless(port);
  await go();
  const redaction = new Redaction(borderPx, []);
  await redact(source, sink, stop.signal, () => ({ ok: true, redaction }), {
    published: () => {
      account.frames += 1;
    },
    withheld: () => {
      account.refused += 1;
    },
    layoutChanged: () => {},
    warned: () => {},
    covers: () => {},
  });
}

async function runVisualizer({ from, quality, frames }: StageTask & { stage: 'visualizer' }): Promise<void> {
  const gaps = new SequenceGaps();
  let encoding = 0;
  let room: (() => void) | undefined;
  const encoderOf = () => {
    const encoder = new JpegEncoder(quality);
    return {
      async encode(frame: Frame) {
        const jpeg = await encoder.encode(frame);
        release(frame);
        return { frame, jpeg };
      },
      [Symbol.dispose]: () => encoder[Symbol.dispose](),
    };
  };
  let patience: NodeJS.Timeout | undefined;
  const settled = () => {
    patience?.refresh();
    if (account.frames + account.refused === frames) done();
  };
  const settle = () => {
    encoding -= 1;
    room?.();
    settled();
  };
  using encoder = new NewestEncoder<Frame, { frame: Frame; jpeg: Buffer }>(encoderOf, {
    encoded({ frame, jpeg }) {
      account.frames += 1;
      account.jpegBytes += jpeg.length;
      account.missed += gaps.missedBefore(frame.stamp!.sequence) ?? Number.POSITIVE_INFINITY;
      settle();
    },
    replaced() {
      account.missed += 1;
      settle();
    },
    failed() {
      account.refused += 1;
      settle();
    },
  });
  using source = subscribeLossless(from, async () => {
    // As many as are encoded at once, so that none waits and none is replaced.
    while (encoding >= CONCURRENT_ENCODERS) {
      await new Promise<void>(resolve => {
        room = resolve;
      });
    }
  });
  await go();
  // Without it a lost frame would be waited for without end.
  patience = setTimeout(done, PATIENCE_MS);
  const viewer = {
    take(frame: Frame) {
      encoding += 1;
      encoder.push(frame);
    },
    refuse() {
      account.refused += 1;
      settled();
    },
  };
  await visualize(source, viewer, stop.signal, false);
}

/** Ends playback after this many frames, without the message that says so. */
async function* first(cues: AsyncIterable<Cue>, count: number): AsyncGenerator<Cue> {
  let given = 0;
  for await (const cue of cues) {
    yield cue;
    if ('dueUs' in cue) given += 1;
    if (given === count) return stop.abort();
  }
}

async function go(): Promise<void> {
  const started = once(process, 'message');
  process.send!('ready');
  await started;
}

function done(): void {
  process.send!(account);
}
