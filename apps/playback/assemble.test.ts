import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { FrameLayout } from '../common/frame.ts';
import { FrameAssembler } from './assemble.ts';

const layout = new FrameLayout('i420', 8, 4);
const frameOf = (level: number) => Buffer.alloc(layout.pixelBytes, level);
const pixelsOf = (message: Buffer | undefined) =>
  message?.subarray(layout.pixelOffset, layout.pixelOffset + layout.pixelBytes);

describe('FrameAssembler', () => {
  for (const chunk of [1, 7, layout.pixelBytes - 1, layout.pixelBytes, layout.pixelBytes + 1, 1000]) {
    it(`cuts the stream into frames when it comes in chunks of ${chunk} bytes`, async () => {
      const assembler = new FrameAssembler(layout);
      const stream = Buffer.concat([1, 2, 3, 4, 5].map(frameOf));
      const written = (async () => {
        for (let at = 0; at < stream.length; at += chunk) {
          if (!assembler.write(stream.subarray(at, at + chunk))) await once(assembler, 'drain');
        }
        assembler.end();
      })();
      for (const level of [1, 2, 3, 4, 5]) assert.deepEqual(pixelsOf(await assembler.next()), frameOf(level));
      assert.equal(await assembler.next(), undefined);
      await written;
    });
  }

  for (const chunk of [1, 7, layout.pixelBytes + 6, 1000]) {
    it(`passes over the lines of y4m when it comes in chunks of ${chunk} bytes`, async () => {
      const assembler = new FrameAssembler(layout, 'y4m');
      // A pixel may have the value of a line's end.
      const levels = [1, 10, 3];
      const parts = levels.flatMap(level => [Buffer.from('FRAME\n'), frameOf(level)]);
      const stream = Buffer.concat([Buffer.from('YUV4MPEG2 W8 H4 F30:1 Ip C420jpeg\n'), ...parts]);
      const written = (async () => {
        for (let at = 0; at < stream.length; at += chunk) {
          if (!assembler.write(stream.subarray(at, at + chunk))) await once(assembler, 'drain');
        }
        assembler.end();
      })();
      for (const level of levels) assert.deepEqual(pixelsOf(await assembler.next()), frameOf(level));
      assert.equal(await assembler.next(), undefined);
      await written;
    });
  }

  it('stops reading at two frames that wait, and goes on when one is taken', async () => {
    const assembler = new FrameAssembler(layout);
    let taken = 0;
    for (let level = 1; level <= 100; level += 1) {
      assembler.write(frameOf(level), () => {
        taken += 1;
      });
    }
    const settle = () => new Promise(resolve => setImmediate(resolve));
    await settle();
    // The second one fills the places, so its chunk is not acknowledged: nothing more is read.
    assert.equal(taken, 1);
    for (let level = 1; level <= 10; level += 1) {
      assert.deepEqual(pixelsOf(await assembler.next()), frameOf(level));
      await settle();
      assert.equal(taken, level + 1);
    }
  });

  it('gives a message with its header and trailer in place', async () => {
    const assembler = new FrameAssembler(layout);
    assembler.write(frameOf(9));
    const message = await assembler.next();
    assert.equal(message?.length, layout.messageBytes);
    assert.equal(message?.readBigUInt64BE(0), 8n);
    assert.equal(message?.readBigUInt64BE(8), 4n);
    assert.equal(message?.toString('latin1', message.length - 32, message.length - 28), 'NOAA');
  });

  it('lets a part of a frame go at the end', async () => {
    const assembler = new FrameAssembler(layout);
    assembler.end(Buffer.concat([frameOf(1), frameOf(2).subarray(1)]));
    assert.deepEqual(pixelsOf(await assembler.next()), frameOf(1));
    assert.equal(await assembler.next(), undefined);
  });

  it('still gives what was whole when the stream has ended', async () => {
    const assembler = new FrameAssembler(layout);
    assembler.end(Buffer.concat([frameOf(1), frameOf(2), frameOf(3)]));
    for (const level of [1, 2, 3]) assert.deepEqual(pixelsOf(await assembler.next()), frameOf(level));
    assert.equal(await assembler.next(), undefined);
  });

  it('once discarded drains the stream and ends its reader', async () => {
    const assembler = new FrameAssembler(layout);
    for (let level = 1; level <= 10; level += 1) assembler.write(frameOf(level));
    assembler.discard();
    assembler.end();
    await once(assembler, 'finish');
    assert.equal(await assembler.next(), undefined);
  });

  it('ends a reader that waits when it is discarded', async () => {
    const assembler = new FrameAssembler(layout);
    const next = assembler.next();
    assembler.discard();
    assert.equal(await next, undefined);
  });
});
