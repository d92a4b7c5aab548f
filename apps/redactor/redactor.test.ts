import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameLayout, notice, parseFrame, writeStamp } from '../common/frame.ts';
import { type InForce, Redaction } from './redaction.ts';
import { redact, type Withheld } from './redactor.ts';

function frame(width: number, height: number, sequence: number): Buffer {
  const layout = new FrameLayout('i420', width, height);
  const message = layout.allocate().fill(99, layout.pixelOffset, layout.pixelOffset + layout.pixelBytes);
  writeStamp(message, {
    sequence: BigInt(sequence),
    publishedAtNs: 1n,
    positionUs: 2n,
    validAtMs: 3,
    repeat: true,
  });
  return message;
}

const BORDER: InForce = { ok: true, redaction: new Redaction(1, []) };

/** What is published of some messages, and what is reported. */
async function run(messages: Buffer[], inForce: () => InForce = () => BORDER) {
  const sent: Buffer[] = [];
  const reported: { withheld: Withheld[]; layouts: string[]; warnings: string[]; shares: number[] } = {
    withheld: [],
    layouts: [],
    warnings: [],
    shares: [],
  };
  async function* source() {
    for (const message of messages) yield [message];
  }
  await redact(
    Object.assign(source(), { connected: true }),
    { send: async message => void sent.push(Buffer.from(message)) },
    new AbortController().signal,
    inForce,
    {
      published() {},
      withheld: why => reported.withheld.push({ reason: why.reason, detail: why.detail }),
      layoutChanged: ({ width, height }, before) =>
        reported.layouts.push(`${before?.width}×${before?.height} to ${width}×${height}`),
      warned: warning => reported.warnings.push(warning),
      covers: share => reported.shares.push(share),
    },
  );
  return { sent, ...reported };
}

const detailOf = (message: Buffer) => {
  const read = parseFrame(message);
  assert.ok(!read.ok && read.reason === 'withheld');
  return read.detail;
};

test('what playback says of a frame is passed on with it, a repeat included', async () => {
  const { sent } = await run([frame(8, 8, 4)]);
  const read = parseFrame(sent[0]!);
  assert.ok(read.ok);
  const { mask, ...stamp } = read.stamp!;
  assert.deepEqual(stamp, { sequence: 4n, publishedAtNs: 1n, positionUs: 2n, validAtMs: 3 });
  assert.equal(mask, new Redaction(1, []).digest);
  assert.deepEqual([read.redacted, read.repeat, read.ended], [true, true, false]);
});

test('a notice of playback reaches viewers with its sentence, and is not repeated with each message', async () => {
  const lost = notice('The clip /clips/a.mp4 is gone; trying again.');
  const { sent, withheld } = await run([lost, lost, lost]);
  assert.deepEqual(sent.map(detailOf), ['The clip /clips/a.mp4 is gone; trying again.']);
  assert.equal(withheld.length, 3);
});

test('while it is not known what to cover viewers get the reason, and no frame', async () => {
  const { sent, withheld } = await run([frame(8, 8, 0), frame(8, 8, 1)], () => ({
    ok: false,
    detail: 'no mask',
  }));
  assert.deepEqual(sent.map(detailOf), ['no mask']);
  assert.deepEqual(
    withheld.map(({ reason }) => reason),
    ['bad-mask', 'bad-mask'],
  );
});

test('a header with width and height exchanged is not published, and its reason is', async () => {
  const { sent, withheld } = await run([frame(16, 8, 0), frame(8, 16, 1), frame(16, 8, 2)]);
  assert.deepEqual(
    sent.map(message => message.readBigUInt64BE(0)),
    [16n, 0n, 16n],
  );
  assert.equal(withheld[0]?.reason, 'doubtful-geometry');
});

test('how much of the picture is covered is reported with each fit', async () => {
  const { shares } = await run([frame(16, 8, 0), frame(16, 8, 1), frame(2, 2, 2)]);
  assert.deepEqual(shares, [1 - (13 * 5) / (16 * 8), 1]);
});

test('each change of layout is reported once, and a warning once for each', async () => {
  const { layouts, warnings } = await run([
    frame(16, 8, 0),
    frame(16, 8, 1),
    frame(2, 2, 2),
    frame(2, 2, 3),
    frame(16, 8, 4),
  ]);
  assert.deepEqual(layouts, ['undefined×undefined to 16×8', '16×8 to 2×2', '2×2 to 16×8']);
  assert.deepEqual(warnings, ['REDACT_WIDTH=1 leaves nothing of the 2×2 picture visible; cover less of it']);
});
