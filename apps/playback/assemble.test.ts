import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameLayout } from '../common/frame.ts';
import { FrameAssembler, type StreamFormat } from './assemble.ts';

const layout = new FrameLayout('i420', 8, 4);
const frameOf = (level: number) => Buffer.alloc(layout.pixelBytes, level);
const pixelsOf = (message: Buffer | undefined) =>
  message?.subarray(layout.pixelOffset, layout.pixelOffset + layout.pixelBytes);

/** Feeds an assembler as a socket does: into its space, in pieces of so many bytes at most, and not while it is full. */
class Feed {
  readonly assembler: FrameAssembler;
  #left: Buffer;
  readonly #piece: number;
  #isPaused = false;
  #mayEnd = false;

  constructor(stream: Buffer, { format = 'rawvideo' as StreamFormat, piece = 1000 } = {}) {
    this.#left = stream;
    this.#piece = piece;
    this.assembler = new FrameAssembler(layout, format, () => {
      assert.ok(this.#isPaused, 'resumed without a pause');
      this.#isPaused = false;
      setImmediate(() => this.run());
    });
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

    it(`passes over the lines of y4m when it comes in pieces of ${piece} bytes`, async () => {
      // A pixel may have the value of a line's end, and a line may say more than ffmpeg's do.
      const parts = [1, 10, 3].flatMap(level => [
        Buffer.from(level === 3 ? 'FRAME Ip\n' : 'FRAME\n'),
        frameOf(level),
      ]);
      const stream = Buffer.concat([Buffer.from('YUV4MPEG2 W8 H4 F30:1 Ip C420jpeg\n'), ...parts]);
      const { assembler } = new Feed(stream, { format: 'y4m', piece }).end();
      for (const level of [1, 10, 3]) assert.deepEqual(pixelsOf(await assembler.next()), frameOf(level));
      assert.equal(await assembler.next(), undefined);
    });
  }

  it('stops reading at two frames that wait, and goes on when one is taken', async () => {
    const feed = new Feed(Buffer.concat(Array.from({ length: 20 }, (_, at) => frameOf(at + 1)))).run();
    const framesLeft = () => feed.left / layout.pixelBytes;
    assert.equal(framesLeft(), 18);
    for (let level = 1; level <= 10; level += 1) {
      assert.deepEqual(pixelsOf(await feed.assembler.next()), frameOf(level));
      await new Promise(resolve => setImmediate(resolve));
      assert.equal(framesLeft(), 18 - level);
    }
  });

  it('gives a message with its header and trailer in place', async () => {
    const message = await new Feed(frameOf(9)).run().assembler.next();
    assert.equal(message?.length, layout.messageBytes);
    assert.equal(message?.readBigUInt64BE(0), 8n);
    assert.equal(message?.readBigUInt64BE(8), 4n);
    assert.equal(message?.toString('latin1', message.length - 32, message.length - 28), 'NOAA');
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
