/**
 * Promise 1 for any mask, picture and message: every covered sample of every published frame has the fill's value, every
 * other is what was received, and what lay under the mask changes no byte of what is published.
 *
 * MASK_CASES sets how many cases are tried; `npm run test:masks` tries a million.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  damages,
  type FILLS,
  masks,
  messageOf,
  type Picture,
  pictures,
  samplesOfPixel,
  type Trailer,
  trailersOf,
} from '../../tests/support/mask-arbitraries.ts';
import { type Verdict, verdicts } from '../../tests/support/mask-reference.ts';
import { parseFrame } from '../common/frame.ts';
import { type InForce, Redaction } from './redaction.ts';
import { redact, type Withheld } from './redactor.ts';

const CASES = Number(process.env['MASK_CASES'] ?? 2000);

interface Step {
  picture: Picture;
  trailer: Trailer;
  damage: ((message: Buffer) => Buffer) | null;
  seed: number;
  /** What is in force, of those of the run; null is a mask file at fault. */
  redaction: number | null;
}

interface Run {
  redactions: Redaction[];
  steps: Step[];
}

function redactionsFor({ width, height }: Picture): fc.Arbitrary<Redaction> {
  const borderPx = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 6 }), fc.constant(100));
  const files = fc.array(masks(width, height), { maxLength: width * height < 4000 ? 2 : 1 });
  return fc.tuple(borderPx, files).map(([px, all]) => new Redaction(px, all));
}

function stepsOf(pictures: Picture[], redactions: number): fc.Arbitrary<Step> {
  return fc.constantFrom(...pictures).chain(picture =>
    fc.record({
      picture: fc.constant(picture),
      trailer: trailersOf(picture),
      damage: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: damages }),
      seed: fc.integer(),
      redaction: fc.option(fc.nat(redactions - 1), { freq: 12 }),
    }),
  );
}

/** A few frames of one size or several, under redactions that come and go between them. */
const runs: fc.Arbitrary<Run> = fc
  .array(pictures, { minLength: 1, maxLength: 2 })
  .chain(sizes =>
    fc.tuple(
      fc.constant(sizes),
      fc.array(fc.constantFrom(...sizes).chain(redactionsFor), { minLength: 1, maxLength: 2 }),
    ),
  )
  .chain(([sizes, redactions]) =>
    fc.record({
      redactions: fc.constant(redactions),
      steps: fc.array(stepsOf(sizes, redactions.length), { minLength: 1, maxLength: 4 }),
    }),
  );

/** Bytes that follow from a seed (mulberry32). */
function noiseOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 8) & 255;
  };
}

/** Sends each message while its redaction is in force; returns the frame published for each, as it was when sent. */
async function publishedOf(
  messages: Buffer[],
  redactions: (Redaction | null)[],
): Promise<(Buffer | undefined)[]> {
  const published: (Buffer | undefined)[] = messages.map(() => undefined);
  let current = 0;
  async function* source() {
    for (const [index, message] of messages.entries()) {
      current = index;
      yield [message];
    }
  }
  const sink = {
    async send(message: Uint8Array) {
      // When a notice comes depends on the time since the last one, and it is no frame.
      if (Buffer.from(message).readBigUInt64BE(0) === 0n) {
        assert.ok(!parseFrame(Buffer.from(message)).ok);
        return;
      }
      assert.equal(published[current], undefined, 'two messages were published for one');
      published[current] = Buffer.from(message);
    },
  };
  const inForce = (): InForce => {
    const redaction = redactions[current];
    return redaction ? { ok: true, redaction } : { ok: false, detail: 'no mask' };
  };
  const events = {
    published() {},
    withheld: (_: Withheld) => {},
    layoutChanged() {},
    warned() {},
    covers() {},
  };
  const connected = Object.assign(source(), { connected: true });
  await redact(connected, sink, new AbortController().signal, inForce, events);
  return published;
}

const KEPT = -1;
const EITHER = -2;

/** For each byte of the pixels: the fill's value if it must have it, that it must be as it was, or either. */
function expectedOf(picture: Picture, verdictAt: Verdict[], fill: keyof typeof FILLS): Int16Array {
  const { width, height } = picture;
  const samples = verdictAt.flatMap((verdict, i) =>
    verdict === 'visible'
      ? []
      : samplesOfPixel(picture, i % width, Math.floor(i / width), fill).map(sample => ({
          verdict,
          ...sample,
        })),
  );
  const expected = new Int16Array(3 * width * height).fill(KEPT);
  for (const { at } of samples) expected[at] = EITHER;
  for (const { at, value, verdict } of samples) if (verdict === 'covered') expected[at] = value;
  return expected;
}

test('no covered sample is ever published, and nothing else is changed', async () => {
  const published = { whole: 0, damaged: 0 };
  await fc.assert(
    fc.asyncProperty(runs, async run => {
      const { steps } = run;
      const sent = steps.map(({ picture, trailer, seed }, sequence) =>
        messageOf(picture, trailer, sequence, noiseOf(seed)),
      );
      const redactions = steps.map(({ redaction }) =>
        redaction === null ? null : run.redactions[redaction]!,
      );
      const messages = sent.map(({ message }, i) => steps[i]!.damage?.(message) ?? message);
      const outputs = await publishedOf(
        messages.map(message => Buffer.from(message)),
        redactions,
      );

      const others = messages.map(message => Buffer.from(message));
      for (const [i, output] of outputs.entries()) {
        const { picture, damage } = steps[i]!;
        const redaction = redactions[i];
        if (output === undefined) continue;
        published[damage ? 'damaged' : 'whole'] += 1;
        assert.ok(redaction, 'a frame was published while it was not known what to cover');
        const frame = parseFrame(output);
        assert.ok(frame.ok && frame.redacted && frame.stamp, 'what was published bears no mark');
        assert.equal(frame.stamp.mask, redaction.digest);
        // A damaged header may say another size, which then is the picture's.
        const { width, height } = frame;
        const shown: Picture = { width, height, kind: frame.order === 'F' ? 'fortran' : frame.format };
        const fill = (redaction.masks.at(-1)?.fill ?? '#000000') as keyof typeof FILLS;
        const expected = expectedOf(shown, verdicts(redaction, width, height), fill);
        const { pixels } = frame;
        const start = pixels.byteOffset - output.byteOffset;
        let covered = 0;
        for (let at = 0; at < pixels.length; at += 1) {
          const value = expected[at]!;
          if (value === EITHER) continue;
          const wanted = value === KEPT ? messages[i]![start + at] : value;
          if (pixels[at] !== wanted) assert.equal(pixels[at], wanted, `sample ${at} of ${width}×${height}`);
          if (value === KEPT) continue;
          covered += 1;
          others[i]![start + at] = ~others[i]![start + at]! & 255;
        }
        assert.ok(covered > 0 || redaction.masks.length > 0, 'a frame was published with nothing covered');
        assert.ok(damage || shown.kind === picture.kind);
      }
      const again = await publishedOf(others, redactions);
      for (const [i, output] of outputs.entries()) {
        const other = again[i];
        if (output && other)
          assert.ok(equalButTime(output, other), `what is under the mask shows in message ${i}`);
        else assert.equal(output, other);
      }
    }),
    { numRuns: CASES },
  );
  assert.ok(published.whole > CASES / 2, `of ${CASES} runs only ${published.whole} frames were published`);
});

/** Whether two messages are the same, the time of publication aside, which is ours for frames that bring none. */
function equalButTime(a: Buffer, b: Buffer): boolean {
  const copy = Buffer.from(b);
  a.copy(copy, a.length - 32, a.length - 32, a.length - 24);
  return a.equals(copy);
}
