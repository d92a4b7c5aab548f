import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameLayout, TRAILER_BYTES } from '../common/frame.ts';
import { type AssembledFrame, FrameAssembler } from './assemble.ts';

const layout = new FrameLayout('i420', 8, 4);
const frameOf = (level: number) => Buffer.alloc(layout.pixelBytes, level);
const pixelsOf = (frame: AssembledFrame | undefined) =>
  frame?.message.subarray(layout.pixelOffset, layout.pixelOffset + layout.pixelBytes);
const line = { width: 8, height: 4, ptsUs: 7 };

/** Feeds an assembler as a socket does: into its space, in pieces of at most this many bytes, and not while it is full. */
class Feed {
  readonly assembler: FrameAssembler;
  #left: Buffer;
  readonly #piece: number;
  #isPaused = false;
  #mayEnd = false;

  constructor(stream: Buffer, { announced = 20, piece = 1000 } = {}) {
    this.#left = stream;
    this.#piece = piece;
    this.assembler = new FrameAssembler('i420', () => {
      assert.ok(this.#isPaused, 'resumed without a pause');
      this.#isPaused = false;
      setImmediate(() => this.run());
    });
    for (let picture = 0; picture < announced; picture += 1) this.assembler.announce(line);
  }

  get left(): number {
    return this.#left.length;
  }

  run(): this {
    while (!this.#isPaused && this.#left.length > 0) {
      const space = this.assembler.space();
      assert.ok(space.length > 0, 'no space');
      const bytes = this.#left.copy(space, 0, 0, Math.min(this.#piece, space.length));
      this.#left = this.#left.subarray(bytes);
      this.#isPaused = !this.assembler.filled(bytes);
    }
    if (this.#mayEnd && this.#left.length === 0) this.assembler.ended();
    return this;
  }

  /** Ends the stream once all of it has been taken. */
  end(): this {
    this.#mayEnd = true;
    return this.run();
  }
}

describe('FrameAssembler', () => {
  for (const piece of [1, 7, layout.pixelBytes - 1, layout.pixelBytes, 1000]) {
    it(`cuts the stream into frames when it comes in pieces of ${piece} bytes`, async () => {
      const { assembler } = new Feed(Buffer.concat([1, 2, 3, 4, 5].map(frameOf)), { piece }).end();
      for (const level of [1, 2, 3, 4, 5]) assert.deepEqual(pixelsOf(await assembler.next()), frameOf(level));
      assert.equal(await assembler.next(), undefined);
    });
  }

  it('gives each picture its own size and time, whatever the one before it had', async () => {
    const sizes = [
      [8, 4],
      [1, 1],
      [5, 3],
      [8, 4],
    ] as const;
    const layouts = sizes.map(([width, height]) => new FrameLayout('i420', width, height));
    for (const piece of [1, 7, 1000]) {
      const stream = Buffer.concat(layouts.map(({ pixelBytes }, at) => Buffer.alloc(pixelBytes, at + 1)));
      const feed = new Feed(stream, { announced: 0, piece });
      for (const [at, [width, height]] of sizes.entries())
        feed.assembler.announce({ width, height, ptsUs: at });
      feed.end();
      for (const [at, { width, height, pixelBytes, pixelOffset, messageBytes }] of layouts.entries()) {
        const { message, ptsUs } = (await feed.assembler.next())!;
        assert.equal(ptsUs, at);
        assert.equal(message.length, messageBytes);
        assert.deepEqual(
          [message.readBigUInt64BE(0), message.readBigUInt64BE(8)],
          [BigInt(width), BigInt(height)],
        );
        assert.deepEqual(
          message.subarray(pixelOffset, pixelOffset + pixelBytes),
          Buffer.alloc(pixelBytes, at + 1),
        );
      }
      assert.equal(await feed.assembler.next(), undefined);
    }
  });

  it('holds the stream while a picture that has begun is not announced', async () => {
    const feed = new Feed(Buffer.concat([1, 2].map(frameOf)), { announced: 1 }).run();
    assert.deepEqual(pixelsOf(await feed.assembler.next()), frameOf(1));
    const next = feed.assembler.next();
    assert.equal(feed.left, layout.pixelBytes - 1);
    feed.assembler.announce(line);
    assert.deepEqual(pixelsOf(await next), frameOf(2));
  });

  it('stops reading at two frames that wait, and goes on when one is taken', async () => {
    const feed = new Feed(Buffer.concat(Array.from({ length: 20 }, (_, at) => frameOf(at + 1)))).run();
    const framesLeft = () => feed.left / layout.pixelBytes;
    assert.equal(Math.ceil(framesLeft()), 18);
    for (let level = 1; level <= 10; level += 1) {
      assert.deepEqual(pixelsOf(await feed.assembler.next()), frameOf(level));
      await new Promise(resolve => setImmediate(resolve));
      assert.equal(Math.ceil(framesLeft()), 18 - level);
    }
  });

  it('gives a message with its header and trailer in place', async () => {
    const message = (await new Feed(frameOf(9)).run().assembler.next())?.message;
    assert.equal(message?.length, layout.messageBytes);
    assert.equal(message?.readBigUInt64BE(0), 8n);
    assert.equal(message?.readBigUInt64BE(8), 4n);
    assert.equal(
      message?.toString('latin1', message.length - TRAILER_BYTES, message.length - TRAILER_BYTES + 4),
      'NOAA',
    );
  });

  it('gives what is whole when the stream ends, and lets a part of a frame go', async () => {
    const { assembler } = new Feed(Buffer.concat([frameOf(1), frameOf(2).subarray(1)])).end();
    assert.deepEqual(pixelsOf(await assembler.next()), frameOf(1));
    assert.equal(await assembler.next(), undefined);
  });

  it('ends a reader that waits when the stream ends, or when it is discarded', async () => {
    for (const how of ['ended', 'discard'] as const) {
      const { assembler } = new Feed(frameOf(1).subarray(1)).run();
      const next = assembler.next();
      assembler[how]();
      assert.equal(await next, undefined);
    }
  });

  it('once discarded gives nothing of what it had, and takes nothing more', async () => {
    const feed = new Feed(Buffer.concat([1, 2, 3].map(frameOf))).run();
    feed.assembler.discard();
    feed.assembler.space();
    feed.assembler.filled(layout.pixelBytes);
    assert.equal(await feed.assembler.next(), undefined);
  });
});
