import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameLog } from './frame-log.ts';

const nameOf = (log: FrameLog) => /^(showinfo@[0-9a-f]{16})=checksum=0$/.exec(log.filter)?.[1];
/** A line as ffmpeg 5.1 writes it. */
const line = (log: FrameLog, number: number, { pts = '0', size = '320x240' } = {}) =>
  `[${nameOf(log)} @ 0x55d0c8] [info] n:${String(number).padStart(4)} pts:${pts.padStart(7)} pts_time:0       pos:      564 fmt:yuv420p sar:1/1 s:${size} i:P iskey:1 type:I `;

describe('FrameLog', () => {
  it('reads size and time of each picture', () => {
    const log = new FrameLog();
    assert.deepEqual(log.read(line(log, 0, { pts: '-40000' })), { width: 320, height: 240, ptsUs: -40_000 });
    assert.deepEqual(log.read(line(log, 1, { pts: 'NOPTS', size: '7x9' })), {
      width: 7,
      height: 9,
      ptsUs: undefined,
    });
    // ffmpeg 7.1 has a duration and more.
    const newer = `[${nameOf(log)} @ 0x7fbe] [info] n:   2 pts: 500000 pts_time:0.5     duration: 100000 duration_time:0.1     fmt:bgr24 cl:left sar:1/1 s:642x482 i:P iskey:0 type:P `;
    assert.deepEqual(log.read(newer), { width: 642, height: 482, ptsUs: 500_000 });
  });

  it("knows the filter's other lines, and takes none of a file's text for its own", () => {
    const log = new FrameLog();
    const others = [
      'color_range:tv color_space:bt709',
      'config in time_base: 1/1000000, frame_rate: 10/1',
      '',
    ];
    for (const other of others) assert.equal(log.read(`[${nameOf(log)} @ 0x1] [info] ${other}`), 'nothing');
    assert.equal(log.read(`[info]     title           : ${line(log, 0)}`), undefined);
    assert.equal(log.read('[h264 @ 0x55d0c8] [error] error while decoding MB 3 1'), undefined);
    assert.equal(log.read(line(new FrameLog(), 0)), undefined);
  });

  it('counts from 0 again where the filters are set up again, and stops where a line is missing', () => {
    const log = new FrameLog();
    log.read(line(log, 0));
    log.read(line(log, 1));
    log.read(`[${nameOf(log)} @ 0x2] [info] config in time_base: 1/1000000, frame_rate: 10/1`);
    assert.deepEqual(log.read(line(log, 0, { size: '8x8' })), { width: 8, height: 8, ptsUs: 0 });
    assert.throws(() => log.read(line(log, 2)), { code: 'decoder-failed' });
  });

  it('refuses a picture that no frame can hold', () => {
    const log = new FrameLog();
    assert.throws(() => log.read(line(log, 0, { size: '16400x16' })), {
      code: 'bad-clip',
      message: /a picture of 16400×16 in it; /,
    });
  });
});
