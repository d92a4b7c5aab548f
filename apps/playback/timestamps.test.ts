import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Timestamps } from './timestamps.ts';

const line = (pts: number | bigint | 'NOPTS') =>
  `[Parsed_showinfo_3 @ 0x55d0c8] [info] n:   0 pts: ${pts} pts_time:0 duration: 40000 fmt:yuv420p`;

describe('Timestamps', () => {
  it('tells the microseconds from the first frame, in order', async () => {
    const timestamps = new Timestamps(40_000);
    for (const pts of [5_000_000, 5_010_000, 5_700_000]) assert.equal(timestamps.read(line(pts)), true);
    assert.deepEqual(
      [await timestamps.next(), await timestamps.next(), await timestamps.next()],
      [0, 10_000, 700_000],
    );
  });

  it('waits for a line that comes after its frame', async () => {
    const timestamps = new Timestamps(40_000);
    timestamps.read(line(0));
    await timestamps.next();
    const next = timestamps.next();
    timestamps.read(line(123));
    assert.equal(await next, 123);
  });

  it('goes on by the nominal interval where a stream has no times', async () => {
    const timestamps = new Timestamps(40_000);
    for (let frame = 0; frame < 3; frame += 1) timestamps.read(line('NOPTS'));
    assert.deepEqual(
      [await timestamps.next(), await timestamps.next(), await timestamps.next()],
      [0, 40_000, 80_000],
    );
  });

  it('goes on by the nominal interval when a line never comes', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const timestamps = new Timestamps(40_000);
    timestamps.read(line(7));
    await timestamps.next();
    const next = timestamps.next();
    t.mock.timers.tick(1000);
    assert.equal(await next, 40_000);
  });

  it('never gives what does not fit the wire, whatever a file says', async () => {
    const timestamps = new Timestamps(40_000);
    timestamps.read(line(-9_223_372_036_854_775_807n));
    timestamps.read(line(9_223_372_036_854_775_807n));
    timestamps.read(line(-9_223_372_036_854_775_807n));
    assert.equal(await timestamps.next(), 0);
    assert.equal(await timestamps.next(), Number.MAX_SAFE_INTEGER);
    assert.equal(await timestamps.next(), 0);
  });

  it("knows the filter's lines from all others", () => {
    const timestamps = new Timestamps(40_000);
    assert.equal(
      timestamps.read('[Parsed_showinfo_3 @ 0x55d0c8] [info] color_range:tv color_space:bt709'),
      true,
    );
    assert.equal(
      timestamps.read('[info]     title           : [Parsed_showinfo_3 @ 0x1] [info] n: 0 pts: 9'),
      false,
    );
    assert.equal(timestamps.read('[h264 @ 0x55d0c8] [error] error while decoding MB 3 1'), false);
  });
});
